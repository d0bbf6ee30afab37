package core

import (
	"launcher/preforker/ident"
)

// A worker may be there and serve nobody. What the kernel tells of a process, its death, is then not to be
// waited for: these are the other signs, and what follows from them.

// workerChannelClosed: a worker's end of its channel is closed. That is the last but one moment of a process that
// ends; one that is still there a little later has replaced its program (exec) or closed what it had open.
func (c *Core) workerChannelClosed(e WorkerChannelClosed) {
	if _, w := c.worker(e.Key); w != nil && w.state != KillingWorker {
		c.do(SetTimer{Timer{TimerWorkerChannel, e.Key}, killGrace})
	}
}

// workerStuck: between two requests it forks for a refork, which has a time limit of its own.
func (c *Core) workerStuck(e WorkerStuck) {
	_, w := c.worker(e.Key)
	if w == nil || c.pendingRefork(w) != nil || c.phase == PhaseStopping {
		return
	}
	switch {
	case e.Reason == ReasonServedNobody && w.state == ReadyWorker:
		c.do(WorkerServesNobody{Worker: w.name(), Waiting: e.Waiting})
	case e.Reason == ReasonNotLeaving && w.state == DrainingWorker:
		c.do(WorkerStays{Worker: w.name(), Reason: w.reason})
	default:
		return // that has changed
	}
	c.kill(w, e.Reason)
}

// workerStopped: what a request has done to its worker, or somebody at a terminal, is undone.
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
