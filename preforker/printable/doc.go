// Package printable makes text of others safe to print: a client chooses the path of its request, and a
// process its own title.
//
// What always holds: one function tells which characters are hidden, for the terminal, the log and the
// reports alike; what is cut ends with a whole character; the package imports the standard library alone.
package printable
