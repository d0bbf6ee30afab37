// Package history keeps what a core was told and what it has decided, so that both can be had again.
//
// What always holds: a history is lines of JSON; the first one says for which core it is, each other one is an
// event with its time, the random numbers that were drawn for it, and the actions that followed. Taken
// through a core of the same program again, the same events lead to the same actions. The package decides nothing, and
// keeps no clock.
package history
