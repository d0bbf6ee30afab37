//go:build linux

package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/urfave/cli/v2"
	"golang.org/x/term"

	"launcher/preforker/control"
	"launcher/preforker/printable"
)

// optWatch has the status told again and again.
const optWatch = "watch"

const (
	watchUsual = 2 * time.Second
	watchLeast = 100 * time.Millisecond
)

// watchFlag is an option that may have a value: --watch, --watch=5.
type watchFlag struct{ *cli.GenericFlag }

// TakesValue says whether the next word is its value.
func (watchFlag) TakesValue() bool { return false }

func newWatchFlag() watchFlag {
	return watchFlag{&cli.GenericFlag{Name: optWatch, Value: new(watchPeriod), Usage: "tell it again every two seconds, in place on a terminal, until Ctrl-C;\n--watch=5: every five"}}
}

// watchPeriod is the time between two of them; 0: there is one.
type watchPeriod time.Duration

// Set reads true, a number of seconds, or a time with its unit.
func (p *watchPeriod) Set(value string) error {
	period, err := time.ParseDuration(value)
	switch {
	case value == "true":
		period, err = watchUsual, nil
	case value == "false":
		*p = 0
		return nil
	case decimalNumber.MatchString(value):
		period, err = time.ParseDuration(value + "s")
	}
	if err != nil || period < watchLeast || period > time.Hour {
		return errors.New("it is a number of seconds from 0.1 to 3600")
	}
	*p = watchPeriod(period)
	return nil
}

func (p *watchPeriod) String() string { return "" }

// watchStatus tells the status again and again. A launcher that is gone may come back: it is asked on.
func watchStatus(ctx *cli.Context, dir string, period time.Duration, stdout *os.File) error {
	watching, _, end := untilSignal(ctx.Context, func() {})
	defer end()
	shown := newScreen(stdout, period)
	defer shown.close()
	var last error
	for watching.Err() == nil {
		status, told, err := control.AskStatus(watching, dir)
		if watching.Err() != nil {
			break
		}
		last = err
		if ctx.Bool(optJSON) {
			err = shown.object(told, err)
		} else {
			err = shown.frame(status, err, time.Now())
		}
		if err != nil {
			return fmt.Errorf("print status: %w", err)
		}
		select {
		case <-watching.Done():
		case <-time.After(period):
		}
	}
	return last
}

// screen shows one status after the other: on a terminal in the place of the one before, elsewhere below it.
type screen struct {
	out    io.Writer
	size   func() (width, height int) // of the terminal; nil: there is none
	period time.Duration
	lines  int       // that are on the terminal
	last   string    // the last status that was told
	gone   time.Time // since when nobody answers; zero: somebody does
}

func newScreen(out *os.File, period time.Duration) *screen {
	s := &screen{out: out, period: period}
	if canErase(out) {
		s.size = func() (width, height int) {
			if width, height, err := term.GetSize(int(out.Fd())); err == nil && width > 0 && height > 1 {
				return width, height
			}
			return tableWidth, 24
		}
		_, _ = io.WriteString(out, "\x1b[?25l") // the cursor
	}
	return s
}

// close shows the cursor again.
func (s *screen) close() {
	if s.size != nil {
		_, _ = io.WriteString(s.out, "\x1b[?25h")
	}
}

// frame shows a status, or that nobody answers, with what was told last.
func (s *screen) frame(status control.Status, failed error, now time.Time) error {
	width, height := 0, 0
	if s.size != nil {
		width, height = s.size()
	}
	came := failed == nil && !s.gone.IsZero()
	went := failed != nil && s.gone.IsZero()
	if failed == nil {
		s.gone, s.last = time.Time{}, statusText(status, width, time.Local)
	} else if went {
		s.gone = now
	}
	at := now.Format(time.TimeOnly)
	if s.size == nil {
		switch {
		case went:
			return s.write(at + ": it does not answer, and is asked on: " + printable.Escape(failed.Error()) + "\n\n")
		case failed != nil:
			return nil // it was said
		case came:
			at += ", it answers again"
		}
		return s.write(at + "\n" + s.last + "\n")
	}
	head := fmt.Sprintf("%s, every %v; Ctrl-C ends", at, s.period)
	if failed != nil {
		head = fmt.Sprintf("%s: it does not answer since %s, and is asked on: %s", at, s.gone.Format(time.TimeOnly), printable.Escape(failed.Error()))
	}
	return s.draw(append([]string{head, ""}, strings.Split(strings.TrimRight(s.last, "\n"), "\n")...), width, height)
}

// draw replaces what is on the terminal. No line is longer than that is wide, and no more of them are shown than there is room for.
func (s *screen) draw(lines []string, width, height int) error {
	if room := height - 1; len(lines) > room {
		more := len(lines) - room + 1
		lines = append(lines[:room-1:room-1], fmt.Sprintf("… and %s", counted(more, "line", "lines")))
	}
	var out strings.Builder
	if s.lines > 0 {
		fmt.Fprintf(&out, "\x1b[%dA", s.lines)
	}
	out.WriteString("\r")
	for _, line := range lines {
		out.WriteString(text.Snip(line, width, "…") + "\x1b[K\n")
	}
	out.WriteString("\x1b[J")
	s.lines = len(lines)
	return s.write(out.String())
}

// object prints a status as JSON in a line.
func (s *screen) object(told []byte, failed error) error {
	if failed != nil {
		told, _ = json.Marshal(map[string]string{"error": failed.Error()})
	}
	var out bytes.Buffer
	if err := json.Compact(&out, told); err != nil {
		return err
	}
	out.WriteByte('\n')
	_, err := escaper{s.out}.Write(out.Bytes())
	return err
}

func (s *screen) write(text string) error {
	_, err := io.WriteString(s.out, text)
	return err
}
