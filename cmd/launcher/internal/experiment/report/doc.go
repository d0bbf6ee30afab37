// Package report shows what an experiment has found: tables, fitted lines and graphs,
// in files and on a terminal.
//
// It always holds that every figure comes from the Results alone: the same Results give
// the same bytes on every machine, whatever its clock, its language or its fonts. Any
// Results can be shown, those of an experiment that has only begun among them. What it
// shows of others' texts (names, errors) has lost its control characters and is escaped
// for the file it goes to; results.json and samples.csv alone have them as they were.
//
// It measures nothing and runs nothing.
package report
