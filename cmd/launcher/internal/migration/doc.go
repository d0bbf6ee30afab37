// Package migration reads the settings of other servers, config/puma.rb and config/unicorn.rb, and says
// what stands for each here.
//
// What always holds: nothing of such a file is run. A Ruby of its own takes it apart (ruby/), in bounded
// time, and says what it calls and which values can be known; the rest is told as what could not be read.
// The tables of what stands for what are also those of MIGRATING.md, which a test compares.
package migration
