// Package ruby starts a Ruby that loads an application: which application, with which program,
// settings and environment, and what it prints and says until it has loaded.
//
// What always holds: the Ruby gets its program and its settings on a descriptor, and nothing of
// them is written to disk or left in the environment. What is printed before the process has shown
// to be a Ruby is held back. Only its interpreter's path, never a shell, is run. The environment
// variables of the user stand.
//
// The package decides nothing about processes: it starts one, and who has started it follows it.
// Linux only.
package ruby
