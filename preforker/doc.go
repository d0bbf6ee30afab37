// Package preforker is the supervisor: it owns the listening sockets, starts the
// Ruby preloader that has the application loaded, has it fork a worker for each slot
// (or, with direct spawning, starts a Ruby for each), and keeps every slot served until
// it is told to stop.
//
// What always holds: all decisions are made by the core, a state machine that
// gets one event at a time and returns actions and facts; one goroutine, the loop, owns
// it and carries the actions out. Everything else (readers of channels, waiters
// for processes, timers, signals) only posts events. So no state is shared, and every
// decision can be tested without a process.
//
// The supervisor never loads Ruby code, never reads a request, and never closes a
// socket while a worker could still serve it, so neither a crash nor a
// restart of Ruby refuses a connection. README.md beside this file draws the
// process tree, the wire and the states.
//
// Linux only; see preforker/linux for the kernels.
package preforker
