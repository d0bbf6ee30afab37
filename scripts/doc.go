// Package scripts holds the Ruby side and makes of it one program that Ruby reads
// from a descriptor: nothing is written to disk, so nothing can be left there,
// tampered with, or be of another version than the supervisor.
package scripts
