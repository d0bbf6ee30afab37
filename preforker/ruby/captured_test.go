package ruby

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

func TestLinesAreBounded(t *testing.T) {
	long := strings.Repeat("x", capturedMax)
	object := "{" + strings.Repeat("y", capturedMax) + "}"
	for name, test := range map[string]struct {
		text  string
		lines []string
	}{
		"nothing":       {"", nil},
		"lines":         {"one\n\ntwo\r\n", []string{"one", "", "two"}},
		"no end":        {"one\ntwo", []string{"one", "two"}},
		"one that fits": {long + "\nb\n", []string{long, "b"}},
		"a long one":    {"a\n" + long + "yz\nb\n", []string{"a", long + "… (cut: 8194 bytes)", "b"}},
		"an object":     {object + "\n", []string{object}},
		"a long object": {"{" + strings.Repeat("y", objectMax), []string{"{" + strings.Repeat("y", objectMax-1) + "… (cut: 131073 bytes)"}},
	} {
		for _, size := range []int{1, 7, 4096, 1 << 20} {
			var lines []string
			s := lineSplitter{pass: func(line string) { lines = append(lines, line) }}
			for part := range slices.Chunk([]byte(test.text), size) {
				s.write(part)
			}
			s.flush()
			if !slices.Equal(lines, test.lines) {
				t.Errorf("%s in parts of %d bytes: %.100q, want %.100q", name, size, lines, test.lines)
			}
		}
	}
}

// captured follows a pipe, and returns the other end and what gives the lines that are passed on.
func captured(t *testing.T) (*Captured, *os.File, func() []string) {
	t.Helper()
	c, err := Capture("test")
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		c.Follow(func(line string) { lines = append(lines, line) })
	}()
	t.Cleanup(func() {
		c.Discard()
		c.Given()
		<-ended
	})
	return c, c.Writer(), func() []string {
		<-c.Done()
		return lines
	}
}

// TestCapturedUntilTheEnd: what is in the pipe when the process ends is passed on, also a line without an end.
func TestCapturedUntilTheEnd(t *testing.T) {
	c, writer, lines := captured(t)
	var want []string
	for n := range 3000 {
		want = append(want, fmt.Sprintf("line %d", n))
	}
	if _, err := writer.WriteString(strings.Join(want, "\n")); err != nil {
		t.Fatal(err)
	}
	c.Given()
	last, held := c.End()
	if held || !slices.Equal(last, want[len(want)-linesKept:]) {
		t.Errorf("held: %v, the last are %q", held, last)
	}
	if got := lines(); !slices.Equal(got, want) {
		t.Errorf("%d lines, want %d", len(got), len(want))
	}
}

// TestCapturedOfWhoHoldsIt: a process that was started by the one that has ended has the pipe. The end does not wait for it, and
// its lines come later.
func TestCapturedOfWhoHoldsIt(t *testing.T) {
	c, writer, lines := captured(t)
	if _, err := writer.WriteString("the last words"); err != nil {
		t.Fatal(err)
	}
	if last, held := c.End(); !held || !slices.Equal(last, []string{"the last words"}) {
		t.Errorf("held: %v, the last are %q", held, last)
	}
	if _, err := writer.WriteString("of another\n"); err != nil {
		t.Fatal(err)
	}
	c.Given()
	if got := lines(); !slices.Equal(got, []string{"the last words", "of another"}) {
		t.Errorf("%q", got)
	}
}
