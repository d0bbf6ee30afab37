//go:build linux

// Package server starts, awaits and stops the servers that an experiment measures, and
// the lighttpd in front of them.
//
// What always holds: a server serves over unix sockets below the folder of its run, and
// what it writes of its own (configuration, log, pid and temporary files) is there too;
// every server runs the same application through the same wrapper, as many workers as
// asked for, one request at a time each; Start returns when all of them are up, or with an
// error when nothing of the server is left; after Stop nothing of it is left, whatever
// has detached itself from it.
//
// What it does not do: it sends no request, measures nothing, and removes no folder.
// README.md says how each server is set and why.
package server
