//go:build linux

package cli

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"launcher/preforker/control"
)

func TestWatchPeriod(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{"true": 2 * time.Second, "5": 5 * time.Second, "0.5": 500 * time.Millisecond, "1m": time.Minute, "false": 0,
		"0": -1, "-1": -1, "soon": -1, "": -1, "1e9": -1, "2h": -1, "0.01": -1} {
		var p watchPeriod
		err := p.Set(text)
		if (err != nil) != (want < 0) || err == nil && time.Duration(p) != want {
			t.Errorf("%q: %v, %v", text, time.Duration(p), err)
		}
	}
}

// TestScreen draws in place where there is a terminal: no more lines than it has, none longer, and what was told last stays when
// nobody answers.
func TestScreen(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	width, height := 40, 8
	s := &screen{out: &out, size: func() (int, int) { return width, height }, period: 2 * time.Second}
	now := time.Date(2026, 11, 26, 12, 0, 0, 0, time.Local)
	status := control.Status{State: "running", Root: "/srv/" + strings.Repeat("x", 100), Slots: []control.SlotStatus{{State: "vacant"}, {State: "parked"}}}
	show := func(failed error) string {
		t.Helper()
		out.Reset()
		if err := s.frame(status, failed, now); err != nil {
			t.Fatal(err)
		}
		now = now.Add(2 * time.Second)
		for line := range strings.Lines(out.String()) {
			if shown := strings.NewReplacer("\x1b[K", "", "\x1b[J", "", "\x1b[7A", "", "\r", "", "\n", "").Replace(line); len([]rune(shown)) > width {
				t.Errorf("%q is too long", shown)
			}
		}
		if n := strings.Count(out.String(), "\n"); n != height-1 {
			t.Errorf("%d lines of %d", n, height)
		}
		return out.String()
	}
	if first := show(nil); !strings.HasPrefix(first, "\r12:00:00, every 2s; Ctrl-C ends\x1b[K\n\x1b[K\napplication") || !strings.Contains(first, "… and ") || !strings.HasSuffix(first, "\x1b[J") {
		t.Errorf("%q", first)
	}
	if gone := show(errors.New("none runs")); !strings.HasPrefix(gone, "\x1b[7A\r12:00:02: it does not answer since 12:0…") || !strings.Contains(gone, "application") {
		t.Errorf("%q", gone)
	}
	if back := show(nil); !strings.HasPrefix(back, "\x1b[7A\r12:00:04, every 2s") {
		t.Errorf("%q", back)
	}
}

// TestScreenWithoutATerminal has one below the other, and says once that nobody answers.
func TestScreenWithoutATerminal(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	s := &screen{out: &out}
	now := time.Date(2026, 11, 26, 12, 0, 0, 0, time.Local)
	status := control.Status{State: "running"}
	for _, failed := range []error{nil, errors.New("none runs \x1b[2J"), errors.New("none runs"), nil} {
		if err := s.frame(status, failed, now); err != nil {
			t.Fatal(err)
		}
		now = now.Add(time.Second)
	}
	got := out.String()
	if strings.Count(got, "application") != 2 || strings.Count(got, "does not answer") != 1 || strings.Contains(got, "\x1b") ||
		!strings.Contains(got, "12:00:01: it does not answer, and is asked on: none runs \\u001b[2J\n") || !strings.Contains(got, "12:00:03, it answers again\n") {
		t.Errorf("%q", got)
	}
	out.Reset()
	for told, failed := range map[string]error{"{\n  \"pid\": 1\n}": nil, "": errors.New("none runs")} {
		if err := s.object([]byte(told), failed); err != nil {
			t.Fatal(err)
		}
	}
	if got := out.String(); got != "{\"pid\":1}\n{\"error\":\"none runs\"}\n" && got != "{\"error\":\"none runs\"}\n{\"pid\":1}\n" {
		t.Errorf("%q", got)
	}
}
