//go:build linux

package cli

import (
	"regexp"
	"strings"
	"unicode/utf8"

	"launcher/preforker/printable"
)

// visible makes another's text safe for a terminal: whoever sends a request chooses its path.
func visible(another string) string { return printable.Mask(another, utf8.RuneError) }

// style is a sequence that colours text (ECMA-48, SGR).
var style = regexp.MustCompile("\x1b\\[[0-9;:]*m")

// plain is a line that an application printed, without its colours.
func plain(line string) string {
	return printable.Escape(style.ReplaceAllString(strings.TrimSuffix(line, "\r"), ""))
}
