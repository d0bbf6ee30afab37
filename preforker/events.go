package preforker

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"launcher/preforker/control"
	"launcher/preforker/hint"
	"launcher/preforker/printable"
)

const (
	// maxEvents and maxEventBytes bound what is kept of events, which are about 200 bytes each.
	maxEvents     = 1000
	maxEventBytes = 192 << 10
	// maxEventText is how long a text in an event can be, in bytes.
	maxEventText = 500
)

// events keeps the last lines of the log that facts have led to, as JSON, for who asks later and for who follows. A follower has a
// place in it and nothing else, so one that does not keep up costs nothing, and is told so.
type events struct {
	mu      sync.Mutex
	lines   [][]byte // the oldest first
	first   uint64   // the number of the first of them
	bytes   int      // of them
	text    bytes.Buffer
	handler slog.Handler
	changed chan struct{} // closed with the next one; nil: nobody waits
}

// note takes a line of the log. It is called by the loop.
func (e *events) note(at time.Time, level slog.Level, text string, attrs []slog.Attr) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.handler == nil {
		e.handler = slog.NewJSONHandler(&e.text, &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: eventAttr})
	}
	record := slog.NewRecord(at, level, text, 0)
	record.AddAttrs(attrs...)
	e.text.Reset()
	if err := e.handler.Handle(context.Background(), record); err != nil {
		return // nothing is written but memory
	}
	line := bytes.Clone(bytes.TrimSuffix(e.text.Bytes(), []byte("\n")))
	e.lines, e.bytes = append(e.lines, line), e.bytes+len(line)
	for len(e.lines) > maxEvents || e.bytes > maxEventBytes {
		e.bytes -= len(e.lines[0])
		e.lines[0] = nil
		e.lines, e.first = e.lines[1:], e.first+1
	}
	if e.changed != nil {
		close(e.changed)
		e.changed = nil
	}
}

// eventAttr has texts of a bounded length, and times as numbers of seconds, as the log in JSON has them.
func eventAttr(_ []string, a slog.Attr) slog.Attr {
	text := ""
	switch a.Value.Kind() {
	case slog.KindDuration:
		return slog.Float64(a.Key+"_seconds", a.Value.Duration().Seconds())
	case slog.KindString:
		text = a.Value.String()
	case slog.KindAny:
		switch value := a.Value.Any().(type) {
		case error:
			text = value.Error()
		case fmt.Stringer:
			return a // the level
		default:
			return bounded(a)
		}
	default:
		return a
	}
	if len(text) > maxEventText {
		text = printable.Cut(text, maxEventText) + "…"
	}
	return slog.String(a.Key, text)
}

// bounded cuts a value that is a list.
func bounded(a slog.Attr) slog.Attr {
	if text := a.Value.String(); len(text) > maxEventText {
		return slog.String(a.Key, printable.Cut(text, maxEventText)+"…")
	}
	return a
}

// last is the place from which on so many lines follow.
func (e *events) last(lines int) uint64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.first + uint64(len(e.lines)-min(max(lines, 0), len(e.lines)))
}

// from returns the lines from a place on, and how many before them are lost. Where there is none yet, changed is closed with the next.
func (e *events) from(place uint64) (lines []json.RawMessage, lost uint64, changed <-chan struct{}) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if place < e.first {
		lost, place = e.first-place, e.first
	}
	for _, line := range e.lines[place-e.first:] {
		lines = append(lines, line)
	}
	if e.changed == nil {
		e.changed = make(chan struct{})
	}
	return lines, lost, e.changed
}

// EventsFrom returns the events from a place on, 0 for the first that is kept, and the place of the next one.
func (s *Supervisor) EventsFrom(place uint64) (lines []json.RawMessage, next uint64) {
	lines, lost, _ := s.events.from(place)
	return lines, place + lost + uint64(len(lines))
}

// lastEvents is the verb that tells what is kept.
func (s *Supervisor) lastEvents(context.Context) (control.Events, error) {
	lines, dropped, _ := s.events.from(0)
	if lines == nil {
		lines = []json.RawMessage{}
	}
	return control.Events{Events: lines, Dropped: dropped}, nil
}

// followEvents is the verb that tells each event as it comes.
func (s *Supervisor) followEvents(ctx context.Context, request control.EventsRequest, tell func(any)) (any, error) {
	for place := s.events.last(request.Last); ; {
		lines, lost, changed := s.events.from(place)
		if lost > 0 {
			return nil, hint.Errorf("read them sooner; launcher events tells those that are kept", "follow events: %d were lost, since they were not read in time", lost)
		}
		for _, line := range lines {
			tell(line)
			if ctx.Err() != nil && !ends(context.Cause(ctx)) {
				return nil, context.Cause(ctx)
			}
		}
		place += uint64(len(lines))
		if len(lines) > 0 {
			continue // until there are none
		}
		select {
		case <-changed:
		case <-s.done:
			lines, _, _ := s.events.from(place)
			for _, line := range lines {
				tell(line)
			}
			return nil, control.ErrEnding
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}
