package preforker

import (
	"log/slog"

	"launcher/preforker/internal/wire"
)

// A worker may be there and serve nobody. What the kernel tells of a process, its death, is then not to be
// waited for: these are the other signs, and what follows from them.

// workerChannelClosed says that nothing more will be heard from a worker, though it may live.
type workerChannelClosed struct{ key wire.Key }

func (workerChannelClosed) isEvent() {}

// workerChannelClosed: a worker's end of its channel is closed. That is the last but one moment of a process that
// ends; one that is still there a little later has replaced its program (exec) or closed what it had open.
func (c *core) workerChannelClosed(e workerChannelClosed) {
	if _, w := c.worker(e.key); w != nil && w.state != WorkerKilling {
		c.do(setTimer{timer{timerWorkerChannel, e.key}, killGrace})
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
