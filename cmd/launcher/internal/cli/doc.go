// Package cli is the command line of launcher: a file a command (run, config, status, doctor,
// experiment, conformance), the options with their values and environment variables, and what is printed.
//
// What always holds:
//
//   - A command returns its error, and Run turns it into the exit status, so nothing here ends the
//     process. A mistake in the command line has another status than a failure; an error is printed
//     once, with its hint below it.
//   - Standard output has what a command was asked for; standard error has the log, the warnings and
//     the hints. No text of the application or of a client reaches a terminal unescaped.
//   - An option holds wherever it stands, or is refused: none is dropped. The command line comes
//     before the environment, and an empty variable is not set.
//   - The supervisor never waits for a reader of its log.
//
// The package sees every other one, and none sees it. It keeps no state between two runs, and decides
// nothing about workers: it reads a configuration and hands it over.
package cli
