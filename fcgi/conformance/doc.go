// Package conformance asks a FastCGI responder what it does with bad and unusual input.
//
// A [Case] is data and a function over connections to the responder. [Suite.Run] runs cases one after
// the other and tells of each what came back.
//
// What always holds:
//
//   - A case has connections of its own, and none is left when it is over.
//   - One case never counts as another's failure: between two of them a plain request tells whether the
//     responder lives, and where it does not, it is waited for.
//   - Every wait has an end, and what is kept of a response has a bound.
//   - A case that fails says what came back, one that is skipped why.
//
// What it does not do: it starts no responder, knows nothing of what is behind a socket, and decides
// nothing by how fast an answer comes.
package conformance
