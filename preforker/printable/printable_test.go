package printable

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestMask(t *testing.T) {
	for text, want := range map[string]string{
		"GET /é 日":          "GET /é 日",
		"GET /\u009b\u202e": "GET /??",
		"a\nb\tc\x00":       "a?b?c?",
		"a\xffb":            "a\uFFFDb",
	} {
		if got := Mask(text, '?'); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func TestEscape(t *testing.T) {
	if got, want := Escape("a\tb\nc\x1b[2J\u0085\u202e\U000e0041\xff é"), `a	b
c\u001b[2J\u0085\u202e\U000e0041\xff é`; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestCut(t *testing.T) {
	for max, want := range map[int]string{0: "", 1: "a", 2: "a", 3: "aé", 4: "aéb", 5: "aéb"} {
		if got := Cut("aéb", max); got != want {
			t.Errorf("%d: got %q, want %q", max, got, want)
		}
	}
}

func FuzzPrintable(f *testing.F) {
	f.Add("a\x1b[2J\xff\u202e日本", 5)
	f.Fuzz(func(t *testing.T, text string, max int) {
		masked := Mask(text, ' ')
		if strings.ContainsFunc(masked, Hidden) || !utf8.ValidString(masked) {
			t.Errorf("%q is masked as %q", text, masked)
		}
		if escaped := Escape(text); strings.ContainsFunc(escaped, func(r rune) bool { return r != '\n' && r != '\t' && Hidden(r) }) || !utf8.ValidString(escaped) {
			t.Errorf("%q is escaped as %q", text, escaped)
		}
		if max = max % 100; max >= 0 {
			if cut := Cut(masked, max); len(cut) > max || !utf8.ValidString(cut) || !strings.HasPrefix(masked, cut) {
				t.Errorf("%q is cut to %d as %q", masked, max, cut)
			}
		}
	})
}
