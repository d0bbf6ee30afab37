// Command packages draws the packages of a Go module: which imports which, how large each is, and how
// many references lead from it and to it.
//
//	go run ./scripts/dev/packages [FOLDER]
//
// What always holds: it reads source files alone, so it draws a module that does not compile as well. A
// reference is an identifier of another package (wire.Ready), or, within a package, a name that another
// file declares at its top level; methods, their receivers and fields are not counted. Files of other systems and build
// tags count as those of this one do.
//
// Its tests hold which package may import which, that preforker/README.md has the graph, and what holds of
// every source file.
package main
