package preforker

import (
	"io"
	"maps"
	"os"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"time"

	"launcher/preforker/core"
	"launcher/preforker/ident"
	"launcher/preforker/internal/scoreboard"
	"launcher/preforker/proc"
)

// measurePeriod is the time between two samples of the workers.
const measurePeriod = 200 * time.Millisecond

// youth is for how long a worker's use of the CPUs is read: longer than generations grow from seeds by default.
const youth = 30 * time.Second

const (
	// measureShare bounds what samples cost: one that took 1 ms of a CPU is followed by 30 ms
	// of rest at least. With hundreds of busy workers the samples are that far apart.
	measureShare = 30
	// restlessPass is every so many samples that have also those workers that have served nothing
	// since the last time: an application may have threads of its own.
	restlessPass = 50
)

// ages are requests after which a worker is read in any case: when its first ones are over, and
// when it has served for as long as it should.
var ages = [...]uint64{core.MinService, core.AimedService}

// measurer reads the memory of workers, in a goroutine of its own, and posts what
// it finds. A sample costs what could have changed: nothing for a worker that has served nothing,
// else 10 µs for the count of its page faults, while it is young a file for each of its threads, and the 0.6 ms and more of its
// private memory only at certain ages and where the faults could have taken half of what it had left.
type measurer struct {
	board    io.ReaderAt
	post     func(notice)
	pageSize uint64

	mu      sync.Mutex
	workers map[ident.Key]*measured
	changed bool     // others than the last sample has read
	parents []parent // to be read once
	budget  uint64
	limit   uint64 // that no worker is to pass, not for a moment; 0: none

	reading []*measured // of workers, for the measuring goroutine alone: the same memory at each sample
}

// measured is a worker as the measuring goroutine last saw it, which alone touches all but
// the first four.
type measured struct {
	key         ident.Key
	pid, record int
	watched     time.Time // since when

	sequence uint32 // of its record
	torn     bool   // that was half written
	served   uint64
	errors   uint64
	sound    bool
	busy     bool
	runnable time.Duration
	faults   uint64 // at the last reading of private
	resident uint64 // then
	private  uint64
	own      uint64 // of private and of what is swapped out, what it has written itself; not what others have let go of
	request  string // in hand, where that is beyond the limit
	ages     int    // how many of the ages it was read at
}

type parent struct {
	origin ident.Origin
	pid    int
}

func newMeasurer(board io.ReaderAt, post func(notice), bytes, limit uint64) *measurer {
	return &measurer{board: board, post: post, pageSize: uint64(os.Getpagesize()),
		workers: map[ident.Key]*measured{}, budget: bytes, limit: limit}
}

// The loop calls these; none of them waits for a reading.

func (m *measurer) watch(key ident.Key, pid, record int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.changed = true
	m.workers[key] = &measured{key: key, pid: pid, record: record, watched: time.Now()}
}

// forget may be asked of a worker that was never watched, and of no measurer at all.
func (m *measurer) forget(key ident.Key) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.changed = true
	delete(m.workers, key)
}

func (m *measurer) set(budget uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.budget = budget
}

func (m *measurer) preloader(origin ident.Origin, pid int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.parents = append(m.parents, parent{origin, pid})
}

// run samples the workers until done is closed. It has a thread to itself, whose time can be measured:
// by the clock a pass takes long where the machine is busy, which is when workers grow.
func (m *measurer) run(done <-chan struct{}) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	throttle := proc.Throttle{Period: measurePeriod, Share: measureShare}
	timer := time.NewTimer(measurePeriod)
	defer timer.Stop()
	for pass := 0; ; pass++ {
		select {
		case <-done:
			return
		case <-timer.C:
		}
		began := threadTime()
		m.sample(pass%restlessPass == 0)
		timer.Reset(throttle.Rest(threadTime() - began))
	}
}

// threadTime is what this thread has had of the CPUs.
func threadTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_THREAD, &usage); err != nil {
		return 0 // it cannot fail with these arguments; the period holds all the same
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// sample reads the workers once. A process that ends while it is read is left out: others tell its end.
func (m *measurer) sample(all bool) {
	m.mu.Lock()
	if m.changed {
		m.changed = false
		clear(m.reading)
		m.reading = slices.AppendSeq(m.reading[:0], maps.Values(m.workers))
	}
	parents, budget := m.parents, m.budget
	m.parents = nil
	m.mu.Unlock()

	for _, p := range parents {
		if usage, err := proc.Of(p.pid); err == nil {
			// Without its own size the bound is too small by some megabytes.
			own, _ := proc.Of(os.Getpid())
			m.post(core.PreloaderMeasured{Origin: p.origin, Preloader: usage.RSS, Launcher: own.RSS})
		}
	}
	var found []core.Measurement
	for _, w := range m.reading {
		if m.worker(w, budget, all) {
			found = append(found, core.Measurement{Key: w.key, Private: w.private, Served: w.served, Errors: w.errors, Sound: w.sound,
				Busy: w.busy, Runnable: w.runnable, Own: w.own, Request: w.request})
		}
	}
	if len(found) > 0 {
		m.post(core.WorkersMeasured{Workers: found})
	}
}

// worker says whether there is anything new of a worker.
func (m *measurer) worker(w *measured, budget uint64, all bool) bool {
	if !w.busy && !w.torn && !all && m.limit == 0 {
		if sequence, err := scoreboard.Sequence(m.board, w.record); err == nil && sequence == w.sequence {
			return false
		}
	}
	entry, err := scoreboard.Read(m.board, w.record)
	if err != nil {
		return false // half written: next time
	}
	w.sequence, w.torn = entry.Sequence, entry.Torn
	served, busy := entry.Requests != w.served, entry.State == scoreboard.Busy
	if !served && !busy && !w.busy && !all && m.limit == 0 {
		return false
	}
	changed := served || busy != w.busy
	w.served, w.busy, w.errors, w.sound = entry.Requests, busy, entry.Errors, entry.Sound
	w.runnable = 0
	if time.Since(w.watched) < youth {
		w.runnable, _ = proc.Runnable(w.pid) // 0 where it is gone, or the kernel does not tell
	}
	read := m.memory(w, budget)
	w.request = ""
	if m.limit > 0 && w.own > m.limit {
		w.request = entry.Request()
		return true
	}
	return read || changed
}

// memory reads a worker's private memory where it could have come near the budget.
func (m *measurer) memory(w *measured, budget uint64) bool {
	age := w.ages
	for age < len(ages) && w.served >= ages[age] {
		age++
	}
	if age == w.ages && budget == 0 && m.limit == 0 {
		return false
	}
	process, err := proc.ProcessOf(w.pid)
	if err != nil {
		return false
	}
	grown := (process.Faults - min(w.faults, process.Faults)) * m.pageSize
	written := max(grown, process.Resident-min(w.resident, process.Resident)) // with huge pages a fault is more than a page
	if age == w.ages && !near(w.private, grown, budget) && !(m.limit > 0 && written > 0 && w.own+written > m.limit) {
		return false
	}
	usage, err := proc.Of(w.pid)
	if err != nil {
		return false
	}
	w.ages, w.faults, w.resident, w.private = age, process.Faults, process.Resident, usage.Private
	if m.limit > 0 {
		w.own = min(usage.Private+usage.Swap, w.own+written)
	}
	return true
}

// near says whether what has come to a worker's memory could be half of what it had left.
func near(private, grown, budget uint64) bool {
	left := budget - min(private, budget)
	return budget > 0 && grown >= max(left/2, budget/16)
}
