// Package sockets owns what lies in the socket folder for the web server and the next launcher to
// find: the listening sockets of the slots, their files, the pid file, and the web server's
// configuration.
//
// What always holds: no socket and no pid file is removed or replaced that this launcher has not
// made, but what a launcher that died without cleaning up has left behind; a file is known by its
// inode, not by its name. At the start the sockets of all slots are bound or none is. A connection
// that waits in the queue of a socket that closes is handed on or refused in the protocol, never
// reset. Errors that a user can mend carry a hint.
//
// The package decides nothing about slots and keeps no goroutine: which socket is to be there is
// the supervisor's knowledge. Linux only.
package sockets
