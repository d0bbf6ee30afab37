// Package cli is the command line of launcher: a file a command, the options and their variables,
// and what is printed.
//
// What always holds: a command returns its error and Run turns it into the exit status, so nothing
// here ends the process; standard output has what a command was asked for, standard error the log
// and the hints. It sees every other package, and none sees it.
package cli
