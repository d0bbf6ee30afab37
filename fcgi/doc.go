// Package fcgi speaks the FastCGI 1.0 protocol from the web server's side.
//
// It holds the records and name-value pairs of the wire, a client for one
// request over one connection, a probe, and the refusal of a request that nobody
// can serve.
//
// What always holds:
//
//   - A length from the wire is checked before anything is allocated for it,
//     and every buffer has a bound.
//   - A response is whole or it is an error. A short body, a missing
//     END_REQUEST and a length that does not fit are never presented as a
//     finished page.
//   - An error says how far the request came (see [Error]): only a request of
//     which nothing was sent may be given to another worker.
//   - Every goroutine ends before the call, or the Close, that it belongs to.
//
// What it does not do: it keeps a connection for a second request (FCGI_KEEP_CONN) only where
// nothing can be lost by it (see [Kept]), multiplexes nothing, plays neither authorizer nor filter,
// and starts no processes. It knows nothing of the programs behind the sockets.
package fcgi
