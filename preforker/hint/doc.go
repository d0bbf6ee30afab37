// Package hint has the error that its reader can mend: what went wrong, and what to do about it.
//
// What always holds: the hint is no part of the error's text. Who prints the error asks for it
// by the method Hint, and finds it also below errors that wrap this one. The package imports
// nothing of the project.
package hint
