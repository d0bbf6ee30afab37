// Package examine finds out what stands in the way of forking an application: it loads it once in a
// Ruby of its own, as a preloader would, and passes on what the checks of the Ruby side say.
//
// What always holds: Ruby is started just as the supervisor starts it. One process is examined at a
// time, and has ended when Run returns; what it has started in groups of their own is the caller's
// to end. The package judges nothing: what is found is the Ruby side's to say.
package examine
