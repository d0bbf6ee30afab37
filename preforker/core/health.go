package core

import (
	"launcher/preforker/ident"
)

// A worker may be there and serve nobody. What the kernel tells of a process, its death, is then not to be
// waited for: these are the other signs, and what follows from them.

// workerChannelClosed gives a worker that has closed its channel a moment to end. That is the last but one of a process
// that ends; one that is still there a little later has replaced its program (exec) or closed what it had open.
func (c *Core) workerChannelClosed(e WorkerChannelClosed) {
	if _, w := c.worker(e.Key); w != nil && w.state != KillingWorker {
		c.do(SetTimer{Timer{TimerWorkerChannel, e.Key}, killGrace})
	}
}

// workerStuck kills a worker that takes no connections, or not the slot that it is given, or does not leave. One that forks for a
// refork does none of these meanwhile, which has a time limit of its own.
func (c *Core) workerStuck(e WorkerStuck) {
	_, w := c.worker(e.Key)
	if w == nil || c.pendingRefork(w) != nil || c.phase == PhaseStopping {
		return
	}
	switch {
	case e.Reason == ReasonServedNobody && w.state == ReadyWorker:
		c.do(WorkerServesNobody{Worker: w.name(), Waiting: e.Waiting})
	case e.Reason == ReasonTookNoSlot && w.given && w.state == BootingWorker:
		c.do(SpareTakesNoSlot{Worker: w.name()})
	case e.Reason == ReasonNotLeaving && w.state == DrainingWorker:
		c.do(WorkerStays{Worker: w.name(), Reason: w.reason})
	default:
		return // that has changed
	}
	c.kill(w, e.Reason)
}

// workerStopped continues a worker that a signal has stopped: of a request in it, or of somebody at a terminal.
func (c *Core) workerStopped(e WorkerStopped) {
	_, w := c.worker(e.Key)
	if w == nil || w.state == KillingWorker {
		return
	}
	c.do(WorkerContinued{Worker: w.name(), Request: e.Request})
	c.do(ContinueWorker{e.Key})
}

func (c *Core) preloaderStopped(e PreloaderStopped) {
	if p := c.preloader(e.Origin); p != nil {
		c.do(PreloaderContinued{Origin: p.origin})
		c.do(SignalPreloader{Origin: e.Origin, Signal: ident.SIGCONT})
	}
}

func (c *Core) workerChannelTimeout(t Timer) {
	_, w := c.worker(t.Key)
	switch {
	case w == nil || w.state == KillingWorker:
	case w.pid == 0 && !c.direct(): // its preloader has yet to tell it
		c.do(SetTimer{t, killGrace})
	default:
		c.do(WorkerUnreachable{Worker: w.name()})
		c.kill(w, ReasonChannelClosed)
	}
}
