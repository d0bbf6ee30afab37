// Package usage has a command line as data, and writes what shells and readers of manuals want of it:
// completions for bash, zsh and fish, and a manual page.
//
// What always holds: nothing here knows a command, an option or a value by its name; all come from the
// description that the caller hands over. The same description gives the same text, byte for byte.
// What is written contains no text of the description that its reader could take for code.
//
// The package reads no command line, and asks no shell.
package usage
