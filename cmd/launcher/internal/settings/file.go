package settings

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"strings"
	"unicode/utf8"

	"launcher/preforker/hint"
	"launcher/preforker/smallfile"
)

// MaxSize is how many bytes a file may have. All options together need a few.
const MaxSize = 64 << 10

// File is what a file says.
type File struct {
	Path     string
	Settings []Setting // in the order of the file
	lines    []string
}

// Setting is an option of a file.
type Setting struct {
	Name   string
	At     Place
	Values []Value // one, unless it is a list
	List   bool
}

// Value is a value, or one of a list.
type Value struct {
	Text string // as it is written, without quotes
	Kind Kind
	At   Place
}

// Kind is how a value is written.
type Kind int

// The kinds of values.
const (
	Text Kind = iota
	Number
	Bool
	Null
	Section // names of its own
)

// Place is a line and a column, both from 1. The column counts characters.
type Place struct{ Line, Column int }

// Find returns what the file says of an option.
func (f *File) Find(name string) (Setting, bool) {
	if f != nil {
		for _, setting := range f.Settings {
			if setting.Name == name {
				return setting, true
			}
		}
	}
	return Setting{}, false
}

// Read reads a file. An error is Problems, as those of Parse, or an error of the system, which is fs.ErrNotExist where there is none.
func Read(path string) (*File, error) {
	text, err := read(path)
	if err != nil {
		return nil, err
	}
	return Parse(path, text)
}

// read reads a regular file of bounded size, and waits for nothing. A link is followed: deploy tools have them.
func read(path string) ([]byte, error) {
	text, err := smallfile.ReadNamed(path, MaxSize)
	info, found := os.Lstat(path)
	switch dangling := found == nil && info.Mode().Type() == fs.ModeSymlink; {
	case errors.Is(err, fs.ErrNotExist) && dangling:
		return nil, hint.Errorf("have the link lead to the file, or remove it", "read options: the link %s leads to nothing", path)
	case errors.Is(err, smallfile.ErrNotFile), errors.Is(err, smallfile.ErrTooLong):
		err = hint.Errorf("name the file that was meant", "read options: %w", err)
	case errors.Is(err, fs.ErrNotExist):
		err = hint.Errorf("name a file that is there with --config, or leave that out", "read options: %w", err)
	case err != nil:
		err = hint.Errorf("see who may read it and the folders above: namei -l "+path, "read options: %w", err)
	}
	return text, err
}

// byteOrderMark is what some editors begin a file with.
var byteOrderMark = []byte("\xef\xbb\xbf")

// Parse reads the text of a file. An error is Problems, with which the file has the settings that are in order.
func Parse(path string, text []byte) (*File, error) {
	text = bytes.TrimPrefix(text, byteOrderMark)
	f := &File{Path: path, lines: strings.Split(strings.ToValidUTF8(string(text), string(utf8.RuneError)), "\n")}
	if err := f.checkText(text); err != nil {
		return nil, err
	}
	return f, f.parse(text)
}

// maxNesting is more than lists within a mapping need.
const maxNesting = 16

// checkText refuses bytes that are no text, and nesting that the parser would follow as deep as it goes.
func (f *File) checkText(text []byte) error {
	at, open := Place{1, 0}, 0
	for rest := text; len(rest) > 0; {
		r, size := utf8.DecodeRune(rest)
		rest = rest[size:]
		at.Column++
		switch {
		case r == utf8.RuneError && size == 1:
			return f.one(at, "save the file as UTF-8", "this is not UTF-8")
		case r == '\n':
			at = Place{at.Line + 1, 0}
		case r < ' ' && r != '\t' && r != '\r' || r >= 0x7f && r < 0xa0 && r != 0x85:
			return f.one(at, "remove it", "there is the control character %U", r)
		case r == '[' || r == '{':
			open++
		case (r == ']' || r == '}') && open > 0:
			open--
		}
		if open > maxNesting {
			return f.one(at, "write an option and its value on each line, as in workers: 4", "this is nested deeper than options are")
		}
	}
	for i, line := range f.lines {
		marks := strings.TrimLeft(line, " -?:\t")
		if count := strings.Count(line[:len(line)-len(marks)], "- ") + strings.Count(line[:len(line)-len(marks)], "? ") + strings.Count(line[:len(line)-len(marks)], ": "); count > maxNesting {
			return f.one(Place{i + 1, 1}, "write an option and its value on each line, as in workers: 4", "this is nested deeper than options are")
		}
	}
	return nil
}
