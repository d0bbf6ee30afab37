package sim

import (
	"launcher/preforker/core"
	"launcher/preforker/ident"
)

// spawnSpare has a worker without a slot forked.
func (w *world) spawnSpare(key ident.Key) core.Event {
	if w.fault() && w.oneIn(4) {
		return core.WorkerSpawnFailed{Key: key, Failure: core.Failure{Class: "spawn", Message: "no record"}}
	}
	w.asksForFork(&worker{process: process{w: w}, key: key, said: key})
	return nil
}

// prepared is how far a worker comes without a slot.
func (p *worker) prepared() {
	w := p.w
	p.spare = true
	w.send(&p.channel, core.WorkerReady{Key: p.said, Pid: w.pid()})
	if p.drained {
		p.drains()
	} else if w.fault() {
		p.do(w.brief(), func() { p.die(killed, false, "") })
	}
}

// assignSpare gives a spare its slot. Its messages are still known by what it was called before.
func (w *world) assignSpare(a core.AssignSpare) {
	p := w.workers[a.Spare]
	if p == nil {
		return
	}
	delete(w.workers, a.Spare)
	p.key = a.Key
	w.workers[a.Key] = p
	if !w.bound[a.Key.Slot] {
		return
	}
	p.do(w.latency(), func() {
		if w.fault() {
			p.fault()
		}
		if !p.alive || p.stuck || p.leaving {
			return
		}
		p.spare = false
		p.boots()
	})
}

// named is what the supervisor knows a worker by, which may have been a spare.
func (w *world) named(key ident.Key) ident.Key {
	for known := range w.workers {
		if key.Same(known) {
			return known
		}
	}
	return key
}
