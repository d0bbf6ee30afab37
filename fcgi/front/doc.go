// Package front is an HTTP front for FastCGI workers, in the place of a web server.
//
// A [Handler] serves the files of a folder, and relays every other request to an idle
// worker. A [Listener] bounds the connections, and [Serve] serves HTTP on it.
//
// What always holds:
//
//   - A worker has one request at a time, and is idle again only after it has ended it or
//     has answered a probe.
//   - A request that a worker may have begun is given to no other.
//   - What clients do is bounded: connections, heads, bodies that are spooled, and every
//     time in which nothing moves.
//   - A connection whose request is complete is never closed for another.
//   - A response that was cut does not look whole.
//
// What it does not do: it terminates no TLS, keeps no response, compresses nothing and
// starts no workers. It knows them by their sockets.
package front
