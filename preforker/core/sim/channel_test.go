package sim

import (
	"launcher/preforker/core"
	"time"
)

// probes is how long something must have been so before a probe tells it.
const probes = 5 * time.Second

// channel carries the messages of one process in their order.
type channel struct {
	last   time.Duration
	closed bool
}

func (w *world) send(c *channel, e core.Event) {
	if c.closed {
		return
	}
	c.last = max(c.last, w.now+w.latency())
	w.queue.push(item{at: c.last, event: e})
}

// hangup is the end of what a process says.
func (w *world) hangup(c *channel, e core.Event) {
	w.send(c, e)
	c.closed = true
}

func (w *world) brief() time.Duration {
	return [...]time.Duration{5 * time.Millisecond, 0, 50 * time.Millisecond, 800 * time.Millisecond}[w.below(4)]
}

func (w *world) loadTime() time.Duration {
	return [...]time.Duration{time.Second, 10 * time.Millisecond, 6 * time.Second}[w.below(3)]
}

func (w *world) pid() int { w.pids++; return 1000 + w.pids }

// latency is how long a message takes.
func (w *world) latency() time.Duration {
	return [...]time.Duration{time.Millisecond, 0, 2 * time.Millisecond, 30 * time.Millisecond, 300 * time.Millisecond}[w.below(5)]
}
