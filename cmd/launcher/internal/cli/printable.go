//go:build linux

package cli

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// hidden says whether a character does something to a terminal, or to a reader's eye, in place of being seen: control
// characters (C0, C1), marks that turn the direction of a text, private ones.
func hidden(r rune) bool { return !unicode.IsGraphic(r) }

// printable makes another's text safe for a terminal: whoever sends a request chooses its path.
func printable(another string) string {
	return strings.Map(func(r rune) rune {
		if hidden(r) {
			return utf8.RuneError
		}
		return r
	}, another)
}

// escaped is another's text of some lines, with what would not be seen written as Go writes it.
func escaped(another string) string {
	if utf8.ValidString(another) && !strings.ContainsFunc(another, escapes) {
		return another
	}
	var out strings.Builder
	for len(another) > 0 {
		r, size := utf8.DecodeRuneInString(another)
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&out, `\x%02x`, another[0])
		case escapes(r) && r > 0xffff:
			fmt.Fprintf(&out, `\U%08x`, r)
		case escapes(r):
			fmt.Fprintf(&out, `\u%04x`, r)
		default:
			out.WriteRune(r)
		}
		another = another[size:]
	}
	return out.String()
}

func escapes(r rune) bool { return r != '\n' && r != '\t' && hidden(r) }

// style is a sequence that colours text (ECMA-48, SGR).
var style = regexp.MustCompile("\x1b\\[[0-9;:]*m")

// plain is a line that an application printed, without its colours.
func plain(line string) string {
	return escaped(style.ReplaceAllString(strings.TrimSuffix(line, "\r"), ""))
}
