//go:build linux

package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"launcher/preforker"
)

// Keys of lines that the application has printed.
const (
	keyPid       = "pid"
	keyPreloader = "preloader"
	keyPrintedBy = "printed_by"
	keySlot      = "slot"
)

// levelOfOutput: what an application prints is in the log whatever the level of that.
const levelOfOutput = "info"

// outputQueue bounds the lines of applications in the console's queue, so that there is room for the launcher's own. Whoever
// reads what a worker prints waits while the log takes lines, however slowly. When it has taken none for a second it is
// stuck, and nobody waits any more until it takes one: a worker that prints must not stand still with it.
type outputQueue struct {
	mu    sync.Mutex
	bytes int           // in the queue
	freed chan struct{} // has an element when there may be room
	stuck atomic.Bool
}

const (
	outputMax    = 2 << 20 // bytes of lines, each of which takes outputLine too: fewer than the queue has places
	outputLine   = 1 << 10
	outputMoment = time.Second
)

func (q *outputQueue) init() { q.freed = make(chan struct{}, 1) }

// room waits for room, and returns whether there is any.
func (q *outputQueue) room(size int, quit <-chan struct{}) bool {
	if q.take(size) {
		return true
	}
	if q.stuck.Load() {
		return false
	}
	moment := time.NewTimer(outputMoment)
	defer moment.Stop()
	for {
		select {
		case <-q.freed:
			if q.take(size) {
				q.signal() // perhaps there is more
				return true
			}
		case <-moment.C:
			q.stuck.Store(true)
			return false
		case <-quit:
			return false
		}
	}
}

func (q *outputQueue) take(size int) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.bytes > 0 && q.bytes+size+outputLine > outputMax {
		return false
	}
	q.bytes += size + outputLine
	return true
}

func (q *outputQueue) signal() {
	select {
	case q.freed <- struct{}{}:
	default:
	}
}

// giveBack is called for a line that was not queued.
func (q *outputQueue) giveBack(size int) {
	q.mu.Lock()
	q.bytes -= size + outputLine
	q.mu.Unlock()
}

// taken is called when so many bytes were written.
func (q *outputQueue) taken(size int) {
	q.giveBack(size)
	q.stuck.Store(false)
	q.signal()
}

// outputWriter writes what the application prints to the console.
type outputWriter struct{ *console }

// Write queues a line, or counts it as dropped.
func (w outputWriter) Write(line []byte) (int, error) {
	if w.output.room(len(line), w.quit) {
		w.queue(queued{bytes.Clone(line), true})
	} else {
		w.drop()
	}
	return len(line), nil
}

// Printed implements preforker.Observer.
func (c *console) Printed(line string) {
	if c.terminal && c.direct == nil {
		fmt.Fprintf(outputWriter{c}, "| %s\n", plain(line))
		return
	}
	c.printed.Info("the application printed", keyLine, plain(line))
}

// Wrote implements preforker.Observer.
func (c *console) Wrote(line preforker.Line) {
	if c.terminal && c.direct == nil {
		fmt.Fprintf(outputWriter{c}, "%s | %s\n", who(line), plain(line.Text))
		return
	}
	if c.direct != nil {
		if object, is := withOrigin(line); is {
			_, _ = escaper{outputWriter{c}}.Write(object)
			return
		}
	}
	c.printed.Log(context.Background(), levelOf(line.Text), plain(line.Text), attributes(line)...)
}

// ofLauncher begins what the launcher's own code prints in a worker (scripts/fastcgi/log_lines.rb), reported the first line of an exception.
const ofLauncher = "launcher: "

var reported = regexp.MustCompile(`^launcher: .*?: (?:[A-Z]\w*::)*[A-Z]\w*[a-z]\w*(?:: |$)`)

// levelOf is the level of a line that a process has printed, as the same line has it in JSON.
func levelOf(line string) slog.Level {
	switch {
	case !strings.HasPrefix(line, ofLauncher):
		return slog.LevelInfo
	case reported.MatchString(line), strings.HasPrefix(line, ofLauncher+"hint: "):
		return slog.LevelError
	default:
		return slog.LevelWarn
	}
}

// attributes say whose line it is.
func attributes(line preforker.Line) []any {
	attributes := []any{slog.String(keyPrintedBy, line.By)}
	switch {
	case line.Preloader != "":
		attributes = append(attributes, slog.String(keyPreloader, line.Preloader))
	case line.Slot >= 0:
		attributes = append(attributes, slog.Int(keySlot, line.Slot))
	}
	if line.Pid != 0 {
		attributes = append(attributes, slog.Int(keyPid, line.Pid))
	}
	return attributes
}

// who says in front of a line on a terminal whose it is.
func who(line preforker.Line) string {
	var words []string
	for _, attribute := range attributes(line)[1:] {
		words = append(words, attribute.(slog.Attr).String())
	}
	if line.By == "spare" {
		words = append([]string{line.By}, words...)
	}
	return strings.Join(words, " ")
}

// withOrigin returns an object with time, level and msg, as the Ruby side and others write it, with whose line it is.
func withOrigin(line preforker.Line) ([]byte, bool) {
	if !strings.HasPrefix(line.Text, "{") {
		return nil, false
	}
	var has map[string]json.RawMessage
	if json.Unmarshal([]byte(line.Text), &has) != nil || has["time"] == nil || has[slog.LevelKey] == nil || has[slog.MessageKey] == nil {
		return nil, false
	}
	text := strings.TrimRight(line.Text, " \t\r")
	object := []byte(text[:len(text)-1])
	for _, attribute := range attributes(line) {
		a := attribute.(slog.Attr)
		if has[a.Key] != nil {
			continue // it says so itself
		}
		value, err := json.Marshal(a.Value.Any())
		if err != nil {
			return nil, false
		}
		object = fmt.Appendf(object, ",%q:%s", a.Key, value)
	}
	return append(object, '}', '\n'), true
}
