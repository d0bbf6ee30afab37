package printable

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Hidden tells whether a character does something to a terminal, or to a reader's eye, in place of being seen: control
// characters (C0, C1), marks that turn the direction of a text, private ones.
func Hidden(r rune) bool { return !unicode.IsGraphic(r) }

// Mask replaces each hidden character. A byte that is no UTF-8 becomes U+FFFD.
func Mask(text string, by rune) string {
	return strings.Map(func(r rune) rune {
		if Hidden(r) {
			return by
		}
		return r
	}, text)
}

// Escape writes what would not be seen of a text of some lines as Go writes it.
func Escape(text string) string {
	if utf8.ValidString(text) && !strings.ContainsFunc(text, escaped) {
		return text
	}
	var out strings.Builder
	for len(text) > 0 {
		r, size := utf8.DecodeRuneInString(text)
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&out, `\x%02x`, text[0])
		case escaped(r) && r > 0xffff:
			fmt.Fprintf(&out, `\U%08x`, r)
		case escaped(r):
			fmt.Fprintf(&out, `\u%04x`, r)
		default:
			out.WriteRune(r)
		}
		text = text[size:]
	}
	return out.String()
}

func escaped(r rune) bool { return r != '\n' && r != '\t' && Hidden(r) }

// Cut returns the text if it has no more than max bytes, else as many whole characters as fit.
func Cut(text string, max int) string {
	if len(text) <= max {
		return text
	}
	for max > 0 && !utf8.RuneStart(text[max]) {
		max--
	}
	return text[:max]
}
