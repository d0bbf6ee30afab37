// Package core is every decision of the supervisor: an event in, actions and facts out.
//
// What always holds: it does nothing itself and waits for nothing; the only time that it knows is the
// one that comes with an event; each event names the generation or the worker that it is about, so that
// a late one finds nobody rather than a successor; a timer is never taken back, and one that nobody
// waits for any more changes nothing; a move that a table of states does not have is a Contradiction.
// With the same policy, random numbers and events it returns the same actions and facts.
//
// An Action is to be carried out, in order. A Fact is an action too, that only tells: the supervisor makes log
// lines of it. The package imports ident and pure parts of the standard library alone, and builds on any system.
package core
