// Package front is an HTTP front for FastCGI workers, in the place of a web server.
//
// A [Handler] serves the files of a folder, and relays every other request to an idle
// worker. A [Listener] bounds the connections, of one address or of several that [Join] and
// [WithTLS] make, and [Serve] serves HTTP on it. An [AccessLog] has a line for each request.
//
// What always holds:
//
//   - A worker has one request at a time, and is idle again only after it has ended it or
//     has answered a probe.
//   - A request that a worker may have begun is given to no other, but for one that changes
//     nothing and whose worker has died before its response, once.
//   - A connection that is kept carries requests that change nothing alone, and one that nobody
//     has read is sent anew.
//   - What clients do is bounded: connections, requests, heads, bodies and responses that are
//     spooled, and every time in which nothing moves.
//   - A connection whose request is complete is never closed for another.
//   - A response that was cut does not look whole.
//   - Nothing outside of the public folder is sent for its path, but where a link in it leads
//     to one of the folders that it may lead to.
//   - No request waits for the access log.
//
// What it does not do: it caches no response, changes no address and starts no workers. It
// knows them by their sockets.
package front
