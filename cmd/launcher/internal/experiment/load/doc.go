// Package load makes requests to a server and measures its responses: the same load for every
// server.
//
// What always holds:
//
//   - A response is right only if it came whole, in time and with the status that its request names.
//     Everything else is an error, counted by its kind, except a request that was cut
//     because the load was stopped.
//   - When Run returns, its goroutines have ended and its connections are closed.
//   - At most Plan.Connections requests are in flight, and a connection belongs to one
//     slot: nothing is queued behind another request.
//   - With a rate the latency counts from the time at which a request was due. A server
//     that stalls makes those behind it late too, and a measurement from the send would
//     leave them out (coordinated omission).
//
// It needs little of the machine, which it shares with what it measures: constant requests are encoded
// once, and each is made and read by the goroutine of its slot. net/http's Transport,
// whose parser of responses is used here, would pass every request through three.
//
// It keeps cookies and fills in tokens of forms where the plan has visitors alone. What it does not do:
// it follows no redirect, requests
// no compression, decodes none, speaks no TLS, and uses no proxy.
package load
