//go:build linux

// Package run makes the runs of an experiment: for each method of running an application and each
// number of processes it starts the server, samples memory before the launch, after it,
// through a load and after that, and stops the server.
//
// What always holds: one run at a time, so that nothing that is measured shares the machine with
// another. Every process of a method is a descendant of this one, which is a child subreaper
// and so the parent of those that detach themselves; so a method's processes are the descendants
// without the web server in front. When a run ends, for whatever reason, nothing
// of it is left before the next one begins. The results are whole after every run.
//
// The package writes no report and prints nothing: it tells an Observer.
package run
