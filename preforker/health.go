package preforker

import (
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"launcher/preforker/core"
	"launcher/preforker/ident"
	"launcher/preforker/internal/scoreboard"
	"launcher/preforker/proc"
)

const (
	// healthPeriod is the time between two probes of all processes.
	healthPeriod = time.Second
	// healthProbes is how many probes in a row must find the same before it counts: a worker that the
	// machine does not let run for some seconds does not hang.
	healthProbes = 5
	// healthPatience is the same for a worker that would run if the machine let it, or reads its memory from the disk.
	healthPatience = 30
	// receivingPatience is the same for a worker that waits for a peer, which it does for 75 seconds at most (scripts/fastcgi/limits.rb).
	receivingPatience = 90
	// keptRequests is more than a worker answers on one connection that is kept open, once it is to leave (scripts/fastcgi/limits.rb).
	keptRequests = 200
	// stopped is the state of a process in /proc that a signal has stopped. One that is traced has another.
	stopped = 'T'
)

// healthTarget is a process to probe, as the loop knows it.
type healthTarget struct {
	key     ident.Key // of a worker; of a preloader its origin alone
	pid     int
	record  int  // of the scoreboard
	ready   bool // a worker that is to take connections
	given   bool // a spare that is to take its slot
	leaving bool // a worker that is to take none, or but those that wait
	backlog bool // it may empty its queue first
	socket  uint64
}

func (t healthTarget) worker() bool { return t.key.Serial != 0 }

// healthTargets are all processes whose pids are known, and the inodes of the slots' sockets, 0 for one that is closed.
type healthTargets struct {
	processes []healthTarget
	sockets   []uint64
}

// healthAsked has the loop reply with what is to be probed, in the memory that targets has. The channel has room for it.
type healthAsked struct {
	targets healthTargets
	reply   chan<- healthTargets
}

// health probes for processes that are there and do nothing, and posts what it finds. A probe costs a read of a worker's
// record and one request to the kernel for the lengths of all queues; /proc is read of those alone that have
// not moved since the last one.
type health struct {
	board  io.ReaderAt
	queues func(lengths map[uint64]int) error
	state  func(pid int) byte // as /proc has it
	wants  func(pid int) bool // to run: a thread of it does or waits for that
	post   func(notice)
	drain  int // probes after which a worker should have seen to the drain timeout itself
	seen   map[ident.Key]*healthSeen
	pass   int            // how many probes there were
	queued map[uint64]int // the lengths of all queues, at the last probe that has asked for them
	busy   int            // workers with a request in hand, at the last probe
}

// healthSeen is what the probes before have found of a process.
type healthSeen struct {
	pass     int // the last probe that it was there at
	sequence uint32
	idle     int    // probes in a row at which it was idle and others waited, or its slot
	asleep   int    // probes in a row at which it slept besides
	receives int    // probes in a row at which it waited for the same peer and others waited for it
	staying  int    // probes in a row at which it was idle and should have left
	draining int    // probes in a row at which it was about to end
	stopped  int    // probes in a row at which it was stopped
	leaving  bool   // it was to leave
	served   uint64 // by then
}

func newHealth(board io.ReaderAt, drainTimeout time.Duration, queues func(lengths map[uint64]int) error, post func(notice)) *health {
	return &health{board: board, queues: queues, state: processState, wants: wantsToRun, post: post,
		drain: int(drainTimeout/healthPeriod) + healthProbes, seen: map[ident.Key]*healthSeen{}, queued: map[uint64]int{}}
}

// processState is 0 for a process that is gone.
func processState(pid int) byte {
	process, err := proc.ProcessOf(pid)
	if err != nil {
		return 0
	}
	return process.State
}

// wantsToRun says whether a thread of a process runs, waits for a processor, or for a disk.
func wantsToRun(pid int) bool {
	paths, _ := filepath.Glob(filepath.Join("/proc", strconv.Itoa(pid), "task/*/stat"))
	return slices.ContainsFunc(paths, func(path string) bool {
		text, err := os.ReadFile(path)
		if err != nil {
			return false
		}
		thread, err := proc.ParseStat(text)
		return err == nil && (thread.State == 'R' || thread.State == 'D')
	})
}

// followHealth probes until the loop has ended, and checks the requests in hand between two probes.
func (s *Supervisor) followHealth(h *health, requests *requestClock) {
	checks := requests.checks()
	ticker := time.NewTicker(healthPeriod / time.Duration(checks))
	defer ticker.Stop()
	var targets healthTargets // the same memory each time: of hundreds of workers it would be much garbage
	reply := make(chan healthTargets, 1)
	for pass := 1; ; pass++ {
		select {
		case <-s.done:
			return
		case <-ticker.C:
		}
		s.post(healthAsked{healthTargets{targets.processes[:0], targets.sockets[:0]}, reply})
		select {
		case <-s.done:
			return
		case targets = <-reply:
			requests.check(targets.processes)
			if pass%checks == 0 {
				lengths := h.probe(targets.processes)
				s.figures.peaks.noteBusy(h.busy)
				s.figures.peaks.noteQueues(targets.sockets, lengths, s.waitingInFront())
			}
		}
	}
}

// healthTargets is called by the loop. It appends to what it is given.
func (s *Supervisor) healthTargets(to healthTargets) healthTargets {
	for slot := range s.config.Workers {
		to.sockets = append(to.sockets, s.sockets.Inode(slot))
	}
	to.processes = s.healthProcesses(to.processes)
	return to
}

func (s *Supervisor) healthProcesses(targets []healthTarget) []healthTarget {
	stopping := s.core.Phase() == core.PhaseStopping // with a deadline for all
	for origin, p := range s.preloaders {
		if p.child != nil {
			targets = append(targets, healthTarget{key: ident.Key{Generation: origin.Generation, Refork: origin.Refork}, pid: p.child.Pid})
		}
	}
	s.core.EachWorker(func(known core.WorkerView) {
		if w := s.workers[known.Key]; w != nil && w.child != nil {
			targets = append(targets, healthTarget{key: known.Key, pid: w.child.Pid, record: w.record, socket: w.socket,
				ready:   known.State == core.ReadyWorker,
				given:   known.State == core.BootingWorker && known.Given,
				leaving: known.State == core.DrainingWorker && !stopping && known.Reason != core.ReasonBootTimeout,
				backlog: known.Reason == core.ReasonUnbound || known.Reason == core.ReasonRemoved})
		}
	})
	return targets
}

// probe reads the state of all processes once, and returns the lengths of the queues, as far as they are known.
func (h *health) probe(targets []healthTarget) map[uint64]int {
	lengths := h.lengths(targets)
	h.pass++
	h.busy = 0
	for _, target := range targets {
		was := h.seen[target.key]
		if was == nil {
			was = &healthSeen{}
			h.seen[target.key] = was
		}
		was.pass = h.pass
		if target.worker() {
			h.worker(target, was, lengths[target.socket])
		} else if h.hasStopped(target, was) {
			h.post(core.PreloaderStopped{Origin: target.key.Origin()})
		}
	}
	if len(h.seen) > len(targets) {
		maps.DeleteFunc(h.seen, func(_ ident.Key, seen *healthSeen) bool { return seen.pass != h.pass })
	}
	return lengths
}

// lengths asks the kernel, which need not tell, in a sandbox for instance: then nobody is known to wait.
func (h *health) lengths(targets []healthTarget) map[uint64]int {
	for _, target := range targets {
		if target.worker() {
			clear(h.queued)
			if err := h.queues(h.queued); err != nil {
				return nil
			}
			return h.queued
		}
	}
	return nil
}

func (h *health) worker(target healthTarget, seen *healthSeen, waiting int) {
	entry, err := scoreboard.Read(h.board, target.record)
	if err != nil {
		return // half written: next time
	}
	if entry.State == scoreboard.Busy {
		h.busy++
	}
	moved := entry.Sequence != seen.sequence
	seen.sequence = entry.Sequence
	unneeded := target.ready && entry.State == scoreboard.Idle && waiting == 0 // may be stopped for as long as anybody likes
	if !moved && !unneeded {
		if h.hasStopped(target, seen) {
			h.post(core.WorkerStopped{Key: target.key, Request: entry.Request()})
		}
		if seen.stopped > 0 {
			return
		}
	} else {
		seen.stopped = 0
	}
	accepting := entry.State == scoreboard.Idle || entry.State == scoreboard.Booting
	switch {
	case target.ready:
		waits := !moved && waiting > 0
		receives := count(&seen.receives, waits && entry.State == scoreboard.Receiving, receivingPatience)
		if h.doesNothing(target, seen, waits && accepting) || receives {
			h.post(core.WorkerStuck{Key: target.key, Reason: core.ReasonServedNobody, Waiting: waiting})
		}
	case target.given:
		if h.doesNothing(target, seen, entry.State == scoreboard.Idle && !moved) {
			h.post(core.WorkerStuck{Key: target.key, Reason: core.ReasonTookNoSlot})
		}
	case target.leaving:
		if !seen.leaving {
			seen.leaving, seen.served = true, entry.Requests
		}
		staying := count(&seen.staying, accepting && !moved, healthProbes)
		draining := count(&seen.draining, entry.State == scoreboard.Draining, h.drain)
		if staying || draining || !target.backlog && entry.Requests > seen.served+keptRequests {
			h.post(core.WorkerStuck{Key: target.key, Reason: core.ReasonNotLeaving, Waiting: waiting})
		}
	}
}

// doesNothing says whether a worker has been idle for too long, which it is now where others wait for it.
func (h *health) doesNothing(target healthTarget, seen *healthSeen, idle bool) bool {
	asleep := count(&seen.asleep, idle && !h.wants(target.pid), healthProbes)
	return count(&seen.idle, idle, healthPatience) || asleep
}

// hasStopped says whether a process is to be continued.
func (h *health) hasStopped(target healthTarget, seen *healthSeen) bool {
	return count(&seen.stopped, h.state(target.pid) == stopped, healthProbes)
}

// count counts how often in a row something was so, and says whether that is enough, each so many times.
func count(counter *int, so bool, enough int) bool {
	if !so {
		*counter = 0
		return false
	}
	*counter++
	return *counter%enough == 0
}
