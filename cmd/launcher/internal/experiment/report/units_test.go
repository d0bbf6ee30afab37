package report

import (
	"html"
	"math"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestClean(t *testing.T) {
	for in, want := range map[string]string{
		"":                       "",
		"  a\r\n\tb  ":           "a b",
		"\x1b[31mred":            "[31mred",
		"\xff":                   "\uFFFD",
		"a\uFFFFb":               "a b",
		"Ærøskøbing 日本":          "Ærøskøbing 日本",
		strings.Repeat("x", 401): strings.Repeat("x", 400) + "…",
		strings.Repeat("x", 400): strings.Repeat("x", 400),
	} {
		if got := clean(in); got != want {
			t.Errorf("clean(%q) = %q, want %q", in, got, want)
		}
	}
}

func FuzzClean(f *testing.F) {
	f.Add("a\n\x1b[0m\xff")
	f.Fuzz(func(t *testing.T, text string) {
		got := clean(text)
		if !utf8.ValidString(got) || utf8.RuneCountInString(got) > textLimit+2 || clean(got) != got && utf8.RuneCountInString(got) < textLimit {
			t.Errorf("clean(%q) = %q", text, got)
		}
		if err := wellFormed([]byte("<a>" + html.EscapeString(got) + "</a>")); err != nil {
			t.Errorf("clean(%q) = %q: %v", text, got, err)
		}
	})
}

func TestFigures(t *testing.T) {
	for _, example := range []struct{ got, want string }{
		{figure(0), "0"}, {figure(-0.01), "0.0"}, {figure(9.94), "9.9"}, {figure(9.96), "10"}, {figure(1426.4), "1426"},
		{figure(-12.6), "-13"}, {figure(math.NaN()), none}, {figure(math.Inf(1)), none},
		{megabytes(171 * megabyte), "171"}, {grownMB(10*megabyte, 30*megabyte), none}, {grownMB(30*megabyte, 10*megabyte), "20"},
		{percent(47, 186), "25 %"}, {percent(1, 0), none}, {articleSaving(), "75 %"},
		{times(1.31, 0.13), "10.1 ×"}, {times(1, -1), none},
		{count(1, "process", "processes"), "1 process"}, {count(2, "process", "processes"), "2 processes"},
		{commandLine([]string{"a", "", "it's", "x y", "--n=1,2"}), `a '' 'it'\''s' 'x y' --n=1,2`},
	} {
		if example.got != example.want {
			t.Errorf("got %q, want %q", example.got, example.want)
		}
	}
}
