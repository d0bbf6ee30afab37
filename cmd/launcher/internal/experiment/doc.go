// Package experiment is what an experiment is told and what it finds: the measurement of 2007 on any
// application and machine, beside the servers that are installed there.
//
// What always holds: it is plain data that every system reads, and does nothing. Below it, run makes the experiment, server starts what is measured, load asks it for pages,
// and report shows what was found.
package experiment
