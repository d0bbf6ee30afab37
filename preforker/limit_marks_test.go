package preforker

import (
	"testing"
	"time"

	"launcher/preforker/core"
	"launcher/preforker/ident"
)

// TestLimitMarks: of the request that was in hand then, and of no later one; also where the worker had the socket of another slot.
func TestLimitMarks(t *testing.T) {
	s := &Supervisor{workers: map[ident.Key]*workerProcess{}}
	key := ident.Key{Slot: 1, Generation: 1, Serial: 3}
	s.workers[key] = &workerProcess{lent: []int{2, 3}}
	began := time.Now()
	s.noteLimit(core.RequestSlow{Worker: core.WorkerName{Key: key}})
	if passed, _ := s.PassedLimit(1, began); passed {
		t.Error("a slow request has passed no limit")
	}
	s.noteLimit(core.KillBegan{Worker: core.WorkerName{Key: key}})
	if passed, _ := s.PassedLimit(1, began); passed {
		t.Error("a worker that is to finish its request has passed no limit")
	}
	s.noteLimit(core.RequestTimedOut{Worker: core.WorkerName{Key: key}})
	for slot, want := range []bool{false, true, true, true, false} {
		if passed, timeout := s.PassedLimit(slot, began); passed != want || timeout != want {
			t.Errorf("slot %d: %v, %v", slot, passed, timeout)
		}
	}
	if passed, _ := s.PassedLimit(1, time.Now().Add(time.Second)); passed {
		t.Error("a later request has nothing to do with it")
	}
	s.noteLimit(core.MemoryExceeded{Worker: core.WorkerName{Key: ident.Key{Slot: 4}}})
	if passed, timeout := s.PassedLimit(4, began); !passed || timeout {
		t.Errorf("%v, %v", passed, timeout)
	}
	s.noteLimit(core.KillBegan{Worker: core.WorkerName{Key: ident.Key{Slot: 5}}, Now: true})
	if passed, timeout := s.PassedLimit(5, began); !passed || timeout {
		t.Errorf("a worker that was killed as asked, with its request: %v, %v", passed, timeout)
	}
}

// TestLimitMarksOfReturnedSockets: also of a request that came by a socket which the worker had until then, and of none that another
// worker has had from there since.
func TestLimitMarksOfReturnedSockets(t *testing.T) {
	key := ident.Key{Slot: 1, Generation: 1, Serial: 3}
	returned := time.Now()
	s := &Supervisor{workers: map[ident.Key]*workerProcess{key: {returned: []int{2}, returnedAt: returned}}}
	s.noteLimit(core.RequestTimedOut{Worker: core.WorkerName{Key: key}})
	if passed, timeout := s.PassedLimit(2, returned.Add(-time.Second)); !passed || !timeout {
		t.Errorf("its own: %v, %v", passed, timeout)
	}
	if passed, _ := s.PassedLimit(2, returned.Add(time.Nanosecond)); passed {
		t.Error("a later one has nothing to do with it")
	}
}
