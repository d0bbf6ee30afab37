package settings

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Problem is something wrong in a file, and its place.
type Problem struct {
	Path string
	Name string // of the setting that it is in; "": what the file is
	At   Place
	Text string
	Try  string // what to do
	Line string // of the file
}

// Error is the problem in one line.
func (p Problem) Error() string {
	return fmt.Sprintf("%s:%d:%d: %s", p.Path, p.At.Line, p.At.Column, p.Text)
}

// maxExcerpt is how many characters of a line are shown.
const maxExcerpt = 160

// Excerpt returns the line of the file, and below it a mark at the place, both with their line ends.
func (p Problem) Excerpt() string {
	line, before := strings.TrimRight(p.Line, "\r"), p.At.Column-1
	runes := []rune(strings.ReplaceAll(line, "\t", " "))
	before = min(max(before, 0), len(runes))
	if start := before - maxExcerpt/2; len(runes) > maxExcerpt && start > 0 {
		runes, before = runes[start:], before-start
	}
	number := fmt.Sprintf("%5d | ", p.At.Line)
	return number + string(runes[:min(len(runes), maxExcerpt)]) + "\n" +
		strings.Repeat(" ", utf8.RuneCountInString(number)-2) + "| " + strings.Repeat(" ", before) + "^\n"
}

// Problems are what is wrong in a file, in its order. There is at least one.
type Problems []Problem

// Error is the first one, and how many there are.
func (p Problems) Error() string {
	if len(p) == 1 {
		return p[0].Error()
	}
	return fmt.Sprintf("%s (and %d more)", p[0].Error(), len(p)-1)
}

// Hint is what to do about the first one.
func (p Problems) Hint() string { return p[0].Try }

// Problem makes a problem of this file.
func (f *File) Problem(at Place, try, format string, args ...any) Problem {
	p := Problem{Path: f.Path, At: at, Text: fmt.Sprintf(format, args...), Try: try}
	if at.Line >= 1 && at.Line <= len(f.lines) {
		p.Line = f.lines[at.Line-1]
		p.At.Column = min(at.Column, utf8.RuneCountInString(p.Line)+1) // where nothing stands any more
	}
	return p
}

// one is an error of one problem.
func (f *File) one(at Place, try, format string, args ...any) error {
	return Problems{f.Problem(at, try, format, args...)}
}
