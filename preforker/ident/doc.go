// Package ident names what the supervisor and its Ruby processes speak of: preloaders, workers, and
// how a process ended.
//
// What always holds: names are plain values that can be compared and be keys of maps, a name is
// given once and never again, and the package imports nothing but the standard library and
// builds on any system. It knows no process, no message and no decision.
package ident
