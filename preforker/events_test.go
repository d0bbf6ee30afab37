package preforker

import (
	"encoding/json"
	"errors"
	"log/slog"
	"runtime"
	"strings"
	"testing"
	"time"
	"unsafe"

	"launcher/preforker/control"
	"launcher/preforker/core"
	"launcher/preforker/ident"
)

// TestEventsAreBounded in their number, in the length of their texts, and in what they take of memory, whatever they tell of.
func TestEventsAreBounded(t *testing.T) {
	e := &events{}
	huge := strings.Repeat("\x1b", 8<<10)
	for range 500 {
		e.note(time.Now(), slog.LevelWarn, "worker died", []slog.Attr{slog.String(keyRequest, "GET /"+huge), slog.Any(keyError, errors.New(huge)),
			slog.Any(keySlots, strings.Split(huge[:5000], "")), slog.Duration(keyTimeout, time.Minute)})
	}
	kept, lost, _ := e.from(0)
	if len(kept) == 0 || len(kept)+int(lost) != 500 || e.bytes > maxEventBytes {
		t.Errorf("%d are kept, %d are not, %d bytes", len(kept), lost, e.bytes)
	}
	memory := e.text.Cap() + cap(e.lines)*int(unsafe.Sizeof(e.lines[0]))
	for _, line := range e.lines {
		memory += cap(line)
		if len(line) > 3*6*maxEventText+500 { // each byte of three texts as \u001b
			t.Errorf("a line has %d bytes", len(line))
		}
	}
	t.Logf("%d kB", memory>>10)
	if memory > 2*maxEventBytes {
		t.Errorf("they take %d bytes", memory)
	}
	for range 5000 {
		e.note(time.Now(), slog.LevelInfo, "worker left", nil)
	}
	if kept, lost, _ := e.from(0); len(kept) != maxEvents || lost != 5500-maxEvents {
		t.Errorf("%d are kept, %d are not", len(kept), lost)
	}
}

// TestEventAsTheLogHasIt: with its keys in their order, and times as in the log in JSON.
func TestEventAsTheLogHasIt(t *testing.T) {
	s := &Supervisor{config: Config{Observer: &watcher{}}, log: slog.New(slog.DiscardHandler)}
	s.report(core.WorkerDrainTimedOut{Worker: core.WorkerName{Key: ident.Key{Slot: 1, Generation: 2}, Pid: 77}, Timeout: 1500 * time.Millisecond})
	s.report(core.ReforkAsked{}) // of a level that this log does not have
	s.report(core.LoadBegan{Generation: 3})
	found, err := s.lastEvents(t.Context())
	if err != nil || len(found.Events) != 1 || found.Dropped != 0 {
		t.Fatalf("%+v, %v", found, err)
	}
	_, rest, _ := strings.Cut(string(found.Events[0]), `","`)
	if rest != `level":"WARN","msg":"worker did not drain in time and is killed","slot":1,"gen":2,"pid":77,"timeout_seconds":1.5}` {
		t.Errorf("%s", found.Events[0])
	}
	debug := &Supervisor{config: Config{Observer: &watcher{}}, log: slog.New(slog.NewTextHandler(&strings.Builder{}, &slog.HandlerOptions{Level: slog.LevelDebug}))}
	debug.report(core.ReforkAsked{})
	if found, _ := debug.lastEvents(t.Context()); len(found.Events) != 1 {
		t.Errorf("%+v", found)
	}
	if none, _ := (&Supervisor{}).lastEvents(t.Context()); none.Events == nil {
		t.Error("null is no list")
	}
}

// TestFollowEvents tells so many of those that were, then each as it comes, and last why it ends. Nobody waits for who does not read:
// that one is told how many it has lost.
func TestFollowEvents(t *testing.T) {
	s := &Supervisor{config: Config{Observer: &watcher{}}, log: slog.New(slog.DiscardHandler), done: make(chan struct{})}
	for generation := range 3 {
		s.report(core.PreloaderRetired{Origin: ident.Origin{Generation: generation}})
	}
	told := make(chan string)
	ended := make(chan error, 1)
	go func() {
		_, err := s.followEvents(t.Context(), control.EventsRequest{Last: 2}, func(line any) { told <- string(line.(json.RawMessage)) })
		ended <- err
	}()
	gets := func(want string) {
		t.Helper()
		if line := <-told; !strings.HasSuffix(line, want) {
			t.Errorf("%s, want %s", line, want)
		}
	}
	gets(`"gen":1}`)
	for range 2 * maxEvents { // while it does not read
		s.report(core.PreloaderRetired{Origin: ident.Origin{Generation: 9}})
	}
	gets(`"gen":2}`)
	if err := <-ended; err == nil || !strings.Contains(err.Error(), "were lost, since they were not read in time") {
		t.Errorf("%v", err)
	}
	s.report(core.PreloaderRetired{Origin: ident.Origin{Generation: 3}}) // nobody waits for the next one from here on
	go func() {
		_, err := s.followEvents(t.Context(), control.EventsRequest{}, func(line any) { told <- string(line.(json.RawMessage)) })
		ended <- err
	}()
	for waits := false; !waits; { // until it waits for the next one
		s.events.mu.Lock()
		waits = s.events.changed != nil
		s.events.mu.Unlock()
		runtime.Gosched()
	}
	s.report(core.PreloaderRetired{Origin: ident.Origin{Generation: 4}})
	gets(`"gen":4}`)
	close(s.done)
	if err := <-ended; !errors.Is(err, control.ErrEnding) {
		t.Errorf("%v", err)
	}
}
