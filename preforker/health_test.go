package preforker

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"testing"
	"time"

	"launcher/preforker/core"
	"launcher/preforker/ident"
	"launcher/preforker/internal/scoreboard"
)

// boardOf is a scoreboard that a test writes to as workers do.
type boardOf []byte

func (b boardOf) ReadAt(p []byte, at int64) (int, error) { return copy(p, b[at:]), nil }

// write changes a record.
func (b boardOf) write(record int, state scoreboard.State, requests uint64) {
	r := b[record*scoreboard.RecordSize:]
	sequence := binary.LittleEndian.Uint32(r) + 1
	binary.LittleEndian.PutUint32(r, sequence)
	binary.LittleEndian.PutUint32(r[252:], sequence)
	r[8], r[9] = byte(state), byte(copy(r[40:], "GET"))
	binary.LittleEndian.PutUint16(r[10:], uint16(copy(r[56:], "/x")))
	binary.LittleEndian.PutUint64(r[16:], requests)
}

// watched is one worker of record 1, with what the probes of it have found.
type watched struct {
	*health
	board  boardOf
	target healthTarget
	queue  int
	proc   byte
	found  []notice
}

func newWatched(target healthTarget) *watched {
	w := &watched{board: make(boardOf, 4*scoreboard.RecordSize), target: target, proc: 'S'}
	w.target.record, w.target.socket, w.target.pid = 1, 77, 4711
	w.health = newHealth(w.board, 8*time.Second, func(lengths map[uint64]int) error { lengths[77], lengths[5] = w.queue, 9; return nil },
		func(n notice) { w.found = append(w.found, n) })
	w.state = func(int) byte { return w.proc }
	w.wants = func(int) bool { return w.proc == 'R' }
	return w
}

func (w *watched) probes(n int) []notice {
	w.found = nil
	for range n {
		w.probe([]healthTarget{w.target})
	}
	return w.found
}

var watchedKey = ident.Key{Slot: 3, Generation: 1, Serial: 8}

func TestIdleWorkerWhoseConnectionsWait(t *testing.T) {
	w := newWatched(healthTarget{key: watchedKey, ready: true})
	w.board.write(1, scoreboard.Idle, 7)
	if found := w.probes(50); len(found) != 0 {
		t.Fatalf("with nobody waiting: %+v", found)
	}
	w.queue = 2
	if found := w.probes(healthProbes - 1); len(found) != 0 {
		t.Fatalf("too early: %+v", found)
	}
	if found := w.probes(1); len(found) != 1 || found[0] != (core.WorkerStuck{Key: watchedKey, Reason: core.ReasonServedNobody, Waiting: 2}) {
		t.Errorf("%+v", found)
	}
}

// TestSpareThatDoesNothingAboutItsSlot, however few wait there; one whose hooks take their time does something.
func TestSpareThatDoesNothingAboutItsSlot(t *testing.T) {
	w := newWatched(healthTarget{key: watchedKey, given: true})
	w.board.write(1, scoreboard.Idle, 0)
	if found := w.probes(healthProbes); len(found) != 0 { // it has moved before the first
		t.Fatalf("too early: %+v", found)
	}
	want := core.WorkerStuck{Key: watchedKey, Reason: core.ReasonTookNoSlot}
	if found := w.probes(1); len(found) != 1 || found[0] != want {
		t.Errorf("%+v, want %+v", found, want)
	}
	w = newWatched(healthTarget{key: watchedKey, given: true})
	w.board.write(1, scoreboard.Booting, 0)
	if found := w.probes(100); len(found) != 0 {
		t.Errorf("its hooks run: %+v", found)
	}
	w = newWatched(healthTarget{key: watchedKey})
	w.board.write(1, scoreboard.Idle, 0)
	if found := w.probes(100); len(found) != 0 {
		t.Errorf("without a slot: %+v", found)
	}
}

// TestIdleWorkerThatIsNotLetRun has more time: the machine may have no room for it.
func TestIdleWorkerThatIsNotLetRun(t *testing.T) {
	w := newWatched(healthTarget{key: watchedKey, ready: true})
	w.board.write(1, scoreboard.Idle, 7)
	w.queue, w.proc = 1, 'R'
	if found := w.probes(healthPatience); len(found) != 0 { // it has moved before the first
		t.Fatalf("too early: %+v", found)
	}
	if found := w.probes(1); len(found) != 1 || found[0] != (core.WorkerStuck{Key: watchedKey, Reason: core.ReasonServedNobody, Waiting: 1}) {
		t.Errorf("%+v", found)
	}
}

func TestWhoWantsToRun(t *testing.T) {
	if !wantsToRun(os.Getpid()) {
		t.Error("this process does not, and runs")
	}
	sleeper := exec.Command("sleep", "1000")
	if err := sleeper.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = sleeper.Process.Kill()
		_ = sleeper.Wait()
	})
	for wantsToRun(sleeper.Process.Pid) { // until it sleeps
		runtime.Gosched()
	}
}

// TestWorkerThatReceivesForTooLong: it would have given up itself, and others wait.
func TestWorkerThatReceivesForTooLong(t *testing.T) {
	w := newWatched(healthTarget{key: watchedKey, ready: true})
	w.queue = 1
	for range 3 { // from another peer each time
		w.board.write(1, scoreboard.Receiving, 7)
		if found := w.probes(receivingPatience); len(found) != 0 { // it has moved before the first
			t.Fatalf("too early: %+v", found)
		}
	}
	if found := w.probes(1); len(found) != 1 || found[0] != (core.WorkerStuck{Key: watchedKey, Reason: core.ReasonServedNobody, Waiting: 1}) {
		t.Errorf("%+v", found)
	}
}

// TestWorkerThatDoesSomething is left alone, whoever waits and for how long.
func TestWorkerThatDoesSomething(t *testing.T) {
	for state, queue := range map[scoreboard.State]int{scoreboard.Busy: 100, scoreboard.Receiving: 0} {
		w := newWatched(healthTarget{key: watchedKey, ready: true})
		w.queue = queue
		w.board.write(1, state, 7)
		if found := w.probes(1000); len(found) != 0 {
			t.Errorf("%v: %+v", state, found)
		}
	}
	w := newWatched(healthTarget{key: watchedKey, ready: true})
	w.queue = 100
	for range 100 { // idle at every probe
		w.board.write(1, scoreboard.Idle, 7)
		if found := w.probes(1); len(found) != 0 {
			t.Fatalf("between two requests: %+v", found)
		}
	}
	w.queue = 0
	w.probes(1)
	for range 100 {
		w.queue = 1 - w.queue
		if found := w.probes(healthProbes - 1); len(found) != 0 {
			t.Fatalf("where the queue was empty meanwhile: %+v", found)
		}
	}
}

func TestWorkerThatDoesNotLeave(t *testing.T) {
	stuck := core.WorkerStuck{Key: watchedKey, Reason: core.ReasonNotLeaving, Waiting: 0}
	for name, test := range map[string]struct {
		backlog bool
		act     func(w *watched)
		probes  int // at which it is told; 0: never
	}{
		"its thread is gone":              {false, func(w *watched) {}, healthProbes + 1},
		"so with a queue":                 {true, func(w *watched) {}, healthProbes + 1},
		"an exit handler sleeps":          {false, func(w *watched) { w.board[scoreboard.RecordSize+8] = byte(scoreboard.Draining) }, 8 + healthProbes},
		"a long request":                  {false, func(w *watched) { w.board[scoreboard.RecordSize+8] = byte(scoreboard.Busy) }, 0},
		"it hears of nothing and serves":  {false, func(w *watched) { w.serve(50) }, 6},
		"it serves a connection, and on":  {false, func(w *watched) { w.serve(1) }, 0},
		"it serves what waits, as it may": {true, func(w *watched) { w.serve(50) }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWatched(healthTarget{key: watchedKey, leaving: true, backlog: test.backlog})
			w.board.write(1, scoreboard.Idle, 7)
			told := 0
			for n := 1; n <= 100 && told == 0; n++ {
				test.act(w)
				if found := w.probes(1); len(found) > 0 {
					if found[0] != stuck {
						t.Errorf("%+v", found)
					}
					told = n
				}
			}
			if told != test.probes {
				t.Errorf("told at probe %d, want %d", told, test.probes)
			}
		})
	}
}

func (w *watched) serve(n uint64) {
	requests := binary.LittleEndian.Uint64(w.board[scoreboard.RecordSize+16:])
	w.board.write(1, scoreboard.Busy, requests+n)
}

func TestStoppedWorker(t *testing.T) {
	w := newWatched(healthTarget{key: watchedKey, ready: true})
	w.proc, w.queue = 'T', 3
	w.board.write(1, scoreboard.Busy, 7)
	w.probes(1) // it counts as moved at the first probe
	if found := w.probes(healthProbes - 1); len(found) != 0 {
		t.Fatalf("too early: %+v", found)
	}
	if found := w.probes(1); len(found) != 1 || found[0] != (core.WorkerStopped{Key: watchedKey, Request: "GET /x"}) {
		t.Errorf("%+v", found)
	}
	if found := w.probes(healthProbes); len(found) != 1 {
		t.Errorf("stopped again, or still: %+v", found)
	}
	w.board.write(1, scoreboard.Idle, 8)
	w.queue = 0
	if found := w.probes(100); len(found) != 0 {
		t.Errorf("needed by nobody: %+v", found)
	}
	w.queue = 1
	for _, e := range w.probes(100) {
		if _, is := e.(core.WorkerStopped); !is {
			t.Errorf("it is stopped, not stuck: %+v", e)
		}
	}
	w.proc, w.queue = 't', 1
	for range 3 { // as under a debugger
		w.board.write(1, scoreboard.Busy, 8)
		if found := w.probes(20); len(found) != 0 {
			t.Errorf("traced: %+v", found)
		}
	}
}

func TestStoppedPreloader(t *testing.T) {
	w := newWatched(healthTarget{key: ident.Key{Generation: 2, Refork: 1}})
	if found := w.probes(20); len(found) != 0 {
		t.Fatalf("%+v", found)
	}
	w.proc = 'T'
	want := core.PreloaderStopped{Origin: ident.Origin{Generation: 2, Refork: 1}}
	if found := w.probes(healthProbes); len(found) != 1 || found[0] != want {
		t.Errorf("%+v, want %+v", found, want)
	}
}

// TestKernelThatTellsNoQueues: nobody is killed for what is not known.
func TestKernelThatTellsNoQueues(t *testing.T) {
	w := newWatched(healthTarget{key: watchedKey, ready: true})
	w.queues = func(lengths map[uint64]int) error { lengths[77] = 5; return errors.New("operation not permitted") }
	w.board.write(1, scoreboard.Idle, 7)
	if found := w.probes(100); len(found) != 0 {
		t.Errorf("%+v", found)
	}
}

// TestHealthForgetsWhoIsGone: what was seen of a worker is not its successor's.
func TestHealthForgetsWhoIsGone(t *testing.T) {
	w := newWatched(healthTarget{key: watchedKey, ready: true})
	w.board.write(1, scoreboard.Idle, 7)
	w.queue = 1
	w.probes(healthProbes)
	for serial := 9; serial < 100; serial++ {
		w.target.key.Serial = serial
		if found := w.probes(healthProbes - 1); len(found) != 0 || len(w.seen) != 1 {
			t.Fatalf("%+v, %d seen", found, len(w.seen))
		}
	}
}

func BenchmarkHealthLook(b *testing.B) {
	for _, workers := range []int{10, 300} {
		b.Run(fmt.Sprint(workers), func(b *testing.B) {
			h := newHealth(make(boardOf, workers*scoreboard.RecordSize), time.Second, func(map[uint64]int) error { return nil }, func(notice) {})
			var targets []healthTarget
			for i := range workers {
				targets = append(targets, healthTarget{key: ident.Key{Slot: i, Generation: 1, Serial: i + 1}, record: i, ready: true})
			}
			for i := range workers {
				h.board.(boardOf).write(i, scoreboard.Idle, 1)
			}
			for b.Loop() {
				h.probe(targets)
			}
		})
	}
}
