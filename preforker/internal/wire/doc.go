// Package wire is the language between the supervisor and its Ruby processes: one
// JSON object a packet, over SOCK_SEQPACKET pairs. The fixtures in testdata/wire
// are decoded by this package's tests and by the Ruby side's.
//
// What always holds: each message is a type of its own, and a packet that is none of them is an
// error, never half a message. The package knows messages alone: no sockets, no processes, no
// decisions.
package wire
