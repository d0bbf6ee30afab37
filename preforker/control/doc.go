// Package control is the control socket of a running launcher: HTTP/1.1 and JSON over a unix socket,
// what may be asked there, who answers, and who asks.
//
// What always holds: one request a connection, one JSON object out, or a line with one for each piece
// of progress and a last one that has "done". Every error is an object that says what to do. A client
// that is slow, silent or gone holds up nobody: each has a time, whoever has not said all that it wants makes
// room for the next, and the oldest stream for a newer one; a request has a bound, and so has what is read of
// an answer. What a page of another site has a browser send, through a forwarded port, is refused. The fields
// of Status are only ever added to. A socket that is bound anew ends the conversations at the older one.
//
// A verb is one file here (its request, its progress, and the function that asks), and one handler in
// the supervisor; a Page is written by whoever runs the supervisor. The package knows what is said, not where it comes from: the supervisor fills it.
package control
