package core

import (
	"time"

	"launcher/preforker/ident"
)

// A limit ends what an application does wrong in the middle of a request: one that takes too long, or more memory than a worker may
// have. Its worker is asked where its threads are and to leave, and killed a little later; its slot has a fork at once, as nobody else is
// served there meanwhile. So as many slots are taken at a time as have such a request, and no more.

// Limits are what no worker is to pass. 0 is none.
type Limits struct {
	RequestTimeout time.Duration // of a request until its response begins
	SlowLog        time.Duration // the same, told only
	MaxAge         time.Duration // of a worker, less up to an eighth by chance
	Memory         uint64        // private bytes of a worker, also in the middle of a request
}

const (
	// limitGrace is what a worker has to say where it is, and to leave, before it is killed.
	limitGrace = 5 * time.Second
	// memoryGrace is the same where it grows meanwhile.
	memoryGrace = 500 * time.Millisecond
)

// requestOverdue takes that a request has not begun its response in time.
func (c *Core) requestOverdue(e RequestOverdue) {
	s, w := c.limited(e.Key)
	switch {
	case w == nil:
	case e.Slow:
		c.do(RequestSlow{Worker: w.name(), Request: e.Request, After: e.After})
		c.locate(w, limitGrace)
	default:
		c.do(RequestTimedOut{Worker: w.name(), Request: e.Request, After: e.After})
		c.endByLimit(s, w, ReasonRequestTimeout, e.Request, limitGrace)
	}
}

// checkMemory ends a worker that has passed the limit of memory.
func (c *Core) checkMemory(m Measurement) {
	limit := c.policy.Limits.Memory
	if limit == 0 || m.Own <= limit {
		return
	}
	s, w := c.limited(m.Key)
	if w == nil {
		return
	}
	c.do(MemoryExceeded{Worker: w.name(), Request: m.Request, Private: m.Own, Limit: limit})
	grace := limitGrace
	if m.Request != "" {
		grace = memoryGrace
	}
	c.endByLimit(s, w, ReasonMemoryLimit, m.Request, grace)
}

// limited is a worker that a limit may end, with its slot; or nil. While the launcher stops all have a deadline.
func (c *Core) limited(key ident.Key) (*slot, *worker) {
	s, w := c.worker(key)
	if s == nil || w == nil || w.limit != "" || c.phase == PhaseStopping || w.state != ReadyWorker && w.state != DrainingWorker {
		return nil, nil
	}
	return s, w
}

// endByLimit has a worker leave, with a request in hand or without one, and gives its slot to another one.
func (c *Core) endByLimit(s *slot, w *worker, limit Reason, request string, grace time.Duration) {
	w.limit, w.limitRequest = limit, request
	if request != "" {
		c.locate(w, grace)
	}
	c.do(SetTimer{Timer{TimerLimit, w.key}, grace})
	if w.state == ReadyWorker { // else it makes room already
		c.drain(w, limit, false)
		c.markVacant(s)
		c.fill()
	}
}

// locate asks a worker where its threads are.
func (c *Core) locate(w *worker, within time.Duration) {
	w.locateBy = c.now + within
	c.do(LocateWorker{w.key})
	if w.limit == "" {
		c.do(SetTimer{Timer{TimerLocate, w.key}, within})
	}
}

func (c *Core) workerLocated(e WorkerLocated) {
	_, w := c.worker(e.Key)
	if w == nil {
		return
	}
	c.backtraceTold(w, e.Threads)
	if w.locateBy == 0 {
		return
	}
	w.locateBy = 0
	for i, thread := range e.Threads {
		told, all := c.traces.cut(c.now, thread, i == 0)
		c.do(ThreadLocated{Worker: w.name(), Thread: told, Slow: w.limit == ""})
		if !all && i+1 < len(e.Threads) {
			c.do(ThreadsLeftOut{Worker: w.name(), Threads: len(e.Threads) - i - 1})
			break
		}
	}
	if w.limit == ReasonMemoryLimit && w.limitRequest != "" && w.state != KillingWorker {
		c.kill(w, w.limit)
	}
}

// notLocated tells that a worker has not said where it is: its Ruby does not run.
func (c *Core) notLocated(w *worker) {
	if w.locateBy > 0 {
		w.locateBy = 0
		c.do(WorkerNotLocated{Worker: w.name()})
	}
}

func (c *Core) locateTimeout(key ident.Key) {
	if _, w := c.worker(key); w != nil && w.limit == "" && c.now >= w.locateBy { // else it is the timer of a request before
		c.notLocated(w)
	}
}

// limitTimeout kills a worker that has not left after it has passed a limit.
func (c *Core) limitTimeout(key ident.Key) {
	_, w := c.worker(key)
	if w == nil || w.limit == "" || w.state == KillingWorker {
		return
	}
	c.notLocated(w)
	c.do(WorkerKilled{Worker: w.name(), Reason: w.limit})
	c.kill(w, w.limit)
}

// spared says whether the end of a worker says nothing against its slot: the limit was passed by a request.
func (w *worker) spared() bool { return w.limit != "" && w.limitRequest != "" }

// workerRecycles has a worker replaced that its application wants to be replaced.
func (c *Core) workerRecycles(e WorkerRecycles) {
	s, w := c.worker(e.Key)
	if s == nil || w == nil || w.recycles || w.state != ReadyWorker || c.phase == PhaseStopping {
		return
	}
	w.recycles, c.recycling = true, true
	c.do(RecycleAsked{Worker: w.name(), Why: e.Why})
	c.fill()
}

// age sets when a worker is too old.
func (c *Core) age(w *worker) {
	if highest := c.policy.Limits.MaxAge; highest > 0 {
		w.maxAge = highest - time.Duration(c.random()*float64(highest)/8) // those that start together do not leave together
		c.do(SetTimer{Timer{TimerAge, w.key}, w.maxAge})
	}
}

func (c *Core) ageTimeout(key ident.Key) {
	if _, w := c.worker(key); w != nil && w.state == ReadyWorker && c.phase == PhaseRunning {
		c.fill()
	}
}

// tooOld says whether a worker has been there for as long as it may.
func (c *Core) tooOld(w *worker) bool { return w.maxAge > 0 && c.now-w.since >= w.maxAge }
