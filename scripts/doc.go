// Package scripts has the Ruby side and makes of it one program that Ruby reads from a
// descriptor.
//
// What always holds: nothing is written to disk, so nothing can be left there, tampered with, or
// be of another version than the supervisor; a file comes after those that it requires, and once.
// The package starts no Ruby and knows none of its messages.
package scripts
