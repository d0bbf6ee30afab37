package preforker

import (
	"testing"
	"time"

	"launcher/preforker/core"
	"launcher/preforker/ident"
	"launcher/preforker/linux"
)

// TestTimerOfAWorkersAgeEndsWithIt: it may be of days, in which thousands of workers come and go.
func TestTimerOfAWorkersAgeEndsWithIt(t *testing.T) {
	conn, theirs, err := linux.PacketPair("test")
	if err != nil {
		t.Fatal(err)
	}
	defer theirs.Close()
	key := ident.Key{Slot: 0, Generation: 1, Serial: 1}
	w := &workerProcess{key: key, conn: conn}
	s := &Supervisor{workers: map[ident.Key]*workerProcess{key: w}, helpers: map[ident.Key]*helpers{}, done: make(chan struct{})}
	s.setTimer(core.SetTimer{Timer: core.Timer{Kind: core.TimerWorkerDrain, Key: key}, After: time.Hour})
	s.setTimer(core.SetTimer{Timer: core.Timer{Kind: core.TimerAge, Key: key}, After: 24 * time.Hour})
	s.dropWorker(w)
	if w.aged == nil || w.aged.Stop() {
		t.Error("the timer is still there")
	}
}
