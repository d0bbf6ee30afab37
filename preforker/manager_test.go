package preforker

import (
	"io"
	"log/slog"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"launcher/preforker/internal/testdir"
	"launcher/preforker/ruby"
)

// countingManager counts how often it is told.
type countingManager struct{ told atomic.Int64 }

func (m *countingManager) Period() time.Duration { return time.Millisecond }
func (m *countingManager) Tell(Condition)        { m.told.Add(1) }

// stallingObserver holds the loop up at the first load until it is let go on.
type stallingObserver struct {
	watcher
	stalled, goOn chan struct{}
}

func (o *stallingObserver) Loading(int) {
	o.stalled <- struct{}{}
	<-o.goOn
}

// TestLoopThatHangsFeedsNoWatchdog: the service manager hears of the loop alone.
func TestLoopThatHangsFeedsNoWatchdog(t *testing.T) {
	root := testdir.Short(t)
	manager := &countingManager{}
	observer := &stallingObserver{stalled: make(chan struct{}), goOn: make(chan struct{})}
	s, err := New(Config{App: ruby.App{Root: root}, SocketDir: filepath.Join(root, "log"), Workers: 1, SocketMode: 0o600, SocketGroup: -1,
		Ruby: "/bin/true", BootTimeout: time.Minute, DrainTimeout: time.Second, SnippetName: "web.conf", Manager: manager, Observer: observer,
		Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error)
	go func() { ended <- s.Run() }()
	<-observer.stalled
	before := manager.told.Load()
	periods := time.NewTicker(manager.Period())
	for range 50 {
		<-periods.C
	}
	periods.Stop()
	if now := manager.told.Load(); now != before {
		t.Errorf("it was told %d times while the loop hung", now-before)
	}
	close(observer.goOn)
	if err := <-ended; err == nil {
		t.Error("nothing was loaded, and that is no error")
	}
	if manager.told.Load() == before {
		t.Error("it was not told of the loop that goes on")
	}
}
