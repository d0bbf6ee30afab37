// Package settings reads launcher.yml: names of options and their values, each with its place in the file.
//
// What always holds: a file is regular, UTF-8, bounded in size and in nesting, and has one mapping of
// names to texts, numbers, booleans, or lists of those. Anchors, aliases and tags are refused, so nothing is ever
// expanded. Whatever is wrong is a Problem with its line and column. The package knows no option: who
// reads a file decides what a name means.
package settings
