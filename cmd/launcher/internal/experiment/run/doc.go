//go:build linux

// Package run makes the runs of an experiment: for each method of running an application and each
// number of processes it starts the server, samples memory before the launch, after it,
// through a load and after that, and stops the server.
//
// One run at a time, so that nothing that is measured shares the machine with
// another. Every process of a method is a descendant of this one, which adopts those
// that fork themselves away; so what belongs to a method is what descends from
// here and is not the web server in front. When a run ends, for whatever reason, nothing
// of it is left before the next one begins. The results are whole after every run.
//
// The package writes no report and prints nothing: an Observer is told.
package run
