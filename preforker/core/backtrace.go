package core

import (
	"slices"

	"launcher/preforker/ident"
)

// An operator may want to know where the threads of a slot's workers are. They say so by themselves where Ruby runs in them.

// BacktraceAsked asks for it.
type BacktraceAsked struct {
	By   string
	Slot int
}

func (BacktraceAsked) isEvent() {}

func (c *Core) backtraceAsked(e BacktraceAsked) {
	s, why := c.slotForVerb(e.Slot)
	if why == EverybodyLeaves { // which may take long: just then it is of interest
		if s, why = c.slotAt(e.Slot), ""; s == nil {
			why = NoSuchSlot
		}
	}
	var workers []*worker
	if why == "" {
		for _, w := range s.workers {
			if w.state == ReadyWorker || w.leaving() && w.pid != 0 && w.loaded {
				workers = append(workers, w)
			}
		}
		if len(workers) == 0 {
			why = c.whyNotAsked(s)
		}
	}
	if why != "" {
		c.do(BacktraceRefused{By: e.By, Slot: e.Slot, Why: why, Slots: len(c.slots)})
		return
	}
	began := BacktraceBegan{By: e.By, Slot: e.Slot, Within: limitGrace}
	for _, w := range workers {
		began.Workers = append(began.Workers, w.name())
	}
	c.do(began)
	for _, w := range workers {
		if w.tellBy == 0 { // else it is asked already, and all are told
			w.tellBy = c.now + limitGrace
			c.do(LocateWorker{w.key})
			c.do(SetTimer{Timer{TimerBacktrace, w.key}, limitGrace})
		}
	}
}

// whyNotAsked says why no worker of a slot can say where it is.
func (c *Core) whyNotAsked(s *slot) NoWorker {
	if slices.ContainsFunc(s.workers, func(w *worker) bool { return w.state == BootingWorker || w.state == SpawningWorker }) {
		return WorkerComesUp
	}
	return c.whyNoWorker(s)
}

// backtraceTold tells who has asked where a worker's threads are.
func (c *Core) backtraceTold(w *worker, threads []Thread) {
	if w.tellBy > 0 {
		w.tellBy = 0
		c.do(BacktraceTold{Worker: w.name(), Threads: threads})
	}
}

func (c *Core) backtraceTimeout(key ident.Key) {
	if _, w := c.worker(key); w != nil && w.tellBy > 0 && c.now >= w.tellBy { // else it is the timer of a question before
		w.tellBy = 0
		c.do(BacktraceMissing{Worker: w.name()})
	}
}
