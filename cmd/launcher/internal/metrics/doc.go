// Package metrics tells Prometheus what the status of a launcher has: a family of metrics for each of its figures, in base units,
// and the same figures by the names that dashboards of other servers know.
//
// What always holds: a scrape reads one status. The series that there are, are bounded by the slots, the generations that are
// there, the reasons of the core and its states: no path, no pid and no text of an application is a label. A counter never
// goes down while the launcher runs, but for those of a worker, which begin anew with the next one. Nothing is made before
// the first scrape. The package does not know where a status comes from, nor who listens.
//
// What is written is the data model and the encoder of Prometheus (client_model, and expfmt of its package common), with
// which client_golang itself writes. The registry of client_golang is only used by the tests, which have it check all of
// this: linked in, it makes its default registry and compiles the expressions of procfs before main, and every supervisor
// would have 300 kB more in memory, also without a scrape.
package metrics
