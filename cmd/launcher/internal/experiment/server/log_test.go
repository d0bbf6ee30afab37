//go:build linux

package server

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestTail(t *testing.T) {
	var text strings.Builder
	for i := range 10_000 {
		fmt.Fprintf(&text, "line %d\n\n", i)
	}
	text.WriteString("config.ru:7:in `block': no harbour (Harbour::Missing)\n")
	for i := range 30 {
		fmt.Fprintf(&text, "\tfrom /gems/rack/builder.rb:%d:in `parse'\n", i)
	}
	text.WriteString("the end, \xff without a line's end")
	file := filepath.Join(t.TempDir(), "log")
	if err := os.WriteFile(file, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	got := tail(file)
	want := []string{
		"line 9999", "config.ru:7:in `block': no harbour (Harbour::Missing)", "\tfrom /gems/rack/builder.rb:0:in `parse'",
		"\tfrom /gems/rack/builder.rb:1:in `parse'", "\tfrom /gems/rack/builder.rb:2:in `parse'",
		"    (27 more lines of the backtrace)", "the end, ? without a line's end",
	}
	if len(got) != tailLines || !slices.Equal(got[len(got)-len(want):], want) {
		t.Errorf("%d lines: %q", len(got), got)
	}
	if lines := tail(file + "-none"); lines != nil {
		t.Errorf("of a log that is not there: %q", lines)
	}
}

// TestFollow writes a log in pieces.
func TestFollow(t *testing.T) {
	file, err := os.OpenFile(filepath.Join(t.TempDir(), "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	f, err := follow(file.Name())
	if err != nil {
		t.Fatal(err)
	}
	defer f.close()
	for _, step := range []struct {
		text  string
		lines []string
	}{{"a\nb", []string{"a"}}, {"", nil}, {"c\n\nd", []string{"bc", ""}}, {"\n", []string{"d"}}} {
		if _, err := file.WriteString(step.text); err != nil {
			t.Fatal(err)
		}
		var lines []string
		if err := f.lines(func(line string) error { lines = append(lines, line); return nil }); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(lines, step.lines) {
			t.Errorf("after %q: %q", step.text, lines)
		}
	}
}
