package preforker

import (
	"log/slog"
	"syscall"

	"launcher/preforker/ident"
)

// A worker may be there and serve nobody. What the kernel tells of a process, its death, is then not to be
// waited for: these are the other signs, and what follows from them.

// workerChannelClosed says that nothing more will be heard from a worker, though it may live.
type workerChannelClosed struct{ key ident.Key }

func (workerChannelClosed) isEvent() {}

// workerChannelClosed: a worker's end of its channel is closed. That is the last but one moment of a process that
// ends; one that is still there a little later has replaced its program (exec) or closed what it had open.
func (c *core) workerChannelClosed(e workerChannelClosed) {
	if _, w := c.worker(e.key); w != nil && w.state != WorkerKilling {
		c.do(setTimer{timer{timerWorkerChannel, e.key}, killGrace})
	}
}

type (
	// workerStuck says that a worker does not do what it is there for, or should do next.
	workerStuck struct {
		key     ident.Key
		reason  Reason
		waiting int // connections, at its socket
	}
	// workerStopped and preloaderStopped say that a process was stopped by a signal some time ago.
	workerStopped struct {
		key     ident.Key
		request string // in hand, or ""
	}
	preloaderStopped struct{ origin ident.Origin }
)

func (workerStuck) isEvent()      {}
func (workerStopped) isEvent()    {}
func (preloaderStopped) isEvent() {}

// continueWorker lets a worker run on that was stopped.
type continueWorker struct{ key ident.Key }

func (continueWorker) isAction() {}

// workerStuck: between two requests it forks for a refork, which has a time limit of its own.
func (c *core) workerStuck(e workerStuck) {
	_, w := c.worker(e.key)
	if w == nil || c.unborn(w) != nil || c.phase == phaseStopping {
		return
	}
	switch {
	case e.reason == ReasonServedNobody && w.state == WorkerReady:
		c.log(slog.LevelError, "worker takes none of the connections that wait for it, and is killed", w.attrs(slog.Int(keyWaiting, e.waiting))...)
	case e.reason == ReasonNotLeaving && w.state == WorkerDraining:
		c.log(slog.LevelError, "worker does not leave, and is killed", w.attrs(slog.String(keyReason, string(w.reason)))...)
	default:
		return // that has changed
	}
	c.kill(w, e.reason)
}

// workerStopped: what a request has done to its worker, or somebody at a terminal, is undone.
func (c *core) workerStopped(e workerStopped) {
	_, w := c.worker(e.key)
	if w == nil || w.state == WorkerKilling {
		return
	}
	attrs := w.attrs()
	if e.request != "" {
		attrs = append(attrs, slog.String(keyRequest, e.request))
	}
	c.log(slog.LevelWarn, "worker was stopped by a signal and is continued", attrs...)
	c.do(continueWorker{e.key})
}

func (c *core) preloaderStopped(e preloaderStopped) {
	if p := c.preloader(e.origin); p != nil {
		c.log(slog.LevelWarn, "preloader was stopped by a signal and is continued", p.attrs()...)
		c.do(signalPreloader{origin: e.origin, signal: syscall.SIGCONT})
	}
}

func (c *core) workerChannelTimeout(t timer) {
	_, w := c.worker(t.key)
	switch {
	case w == nil || w.state == WorkerKilling:
	case w.pid == 0: // its preloader has yet to tell it
		c.do(setTimer{t, killGrace})
	default:
		c.log(slog.LevelError, "worker has closed its channel but not ended, as with exec, and is killed", w.attrs()...)
		c.kill(w, ReasonChannelClosed)
	}
}
