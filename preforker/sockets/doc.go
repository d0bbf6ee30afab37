// Package sockets owns what the web server and the next launcher are to find: the listening sockets
// of the slots, which are unix sockets in the socket folder or have ports of TCP, and in that folder
// the files of sockets, the pid file, and the web server's configuration.
//
// What always holds: no socket and no pid file is removed or replaced that this launcher has not
// made, but what a launcher that died without cleaning up has left behind; a file is known by its
// inode, not by its name. At the start the sockets of all slots are bound or none is. A connection
// that waits in the queue of a socket that closes is handed on or refused in the protocol, never
// reset. Nobody shares a port's connections, and a port that is closed is free, whoever still has the
// socket. Errors that a user can mend carry a hint.
//
// The package decides nothing about slots and keeps no goroutine: which socket is to be there is
// the supervisor's knowledge. Linux only.
package sockets
