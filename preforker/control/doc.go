// Package control is the control socket of a running launcher: what is said at it, who answers
// there, and who asks.
//
// What always holds: a line in, one JSON object out, and the end. A client that is slow, silent or
// gone holds up nobody: each has a time, a request has a bound, and so has what is read of an
// answer. The fields of Status are only ever added to. A socket that is bound anew ends the
// conversations at the older one.
//
// The package knows what a status says, not where it comes from: the supervisor fills it.
package control
