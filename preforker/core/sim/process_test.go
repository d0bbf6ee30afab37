package sim

import (
	"time"

	"launcher/preforker/core"
	"launcher/preforker/ident"
)

// probes is how long something must have been so before a probe tells it.
const probes = 5 * time.Second

// killed is how a process ends that gets KILL.
var killed = ident.ExitStatus{Signal: ident.SIGKILL}

// process is what workers and preloaders have in common.
type process struct {
	w        *world
	channel  channel
	alive    bool
	loaded   bool     // it has the application
	stuck    bool     // it does nothing any more, and will not
	stopped  bool     // by a signal
	deferred []func() // what it does when it is continued
	followed bool     // the supervisor knows its pid
	reaped   bool
}

// do lets a step of the process pass when its time has come, if it can do anything by then.
func (p *process) do(wait time.Duration, step func()) {
	var run func()
	run = func() {
		switch {
		case !p.alive || p.stuck:
		case p.stopped:
			p.deferred = append(p.deferred, run)
		default:
			step()
		}
	}
	p.w.after(wait, run)
}

// resume is what CONT does.
func (p *process) resume() {
	if !p.stopped || !p.alive {
		return
	}
	p.stopped = false
	for _, run := range p.deferred {
		p.w.after(0, run)
	}
	p.deferred = nil
}

// reap is what the supervisor does with a process that has ended, once.
func (p *process) reap(who any, ended core.Event) {
	if p.reaped {
		p.w.check.fail("%v is reaped twice", who)
	}
	p.reaped = true
	p.w.queue.push(item{at: max(p.channel.last, p.w.now+p.w.latency()), event: ended})
}

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
