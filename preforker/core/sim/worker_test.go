package sim

import (
	"time"

	"launcher/preforker/core"
	"launcher/preforker/ident"
)

// worker is a worker's process, and what the supervisor knows of it.
type worker struct {
	process
	key     ident.Key
	said    ident.Key  // by which its messages are known
	probing bool       // it has failed that
	probe   core.Probe // what it is asked for before it is ready
	spare   bool       // it is prepared, and has no slot
	dead    bool       // it was there
	up      bool       // it accepts
	endless bool       // its request goes on until the faults end
	first   bool       // its first request was answered
	leaving bool       // it is about to end, by whatever cause
	exiting bool       // it runs its exit handlers
	drained bool       // it was told to leave
	control *preloader // whose control socket it holds

	served, private uint64
	errors          uint64 // responses with 500 since the last other one
	sound           bool   // a response had another status

	// Of the supervisor's:
	forgotten, watched bool
	ended              core.WorkerExited
}

func (w *world) spawnWorker(a core.SpawnWorker) core.Event {
	key := a.Key
	if !w.bound[key.Slot] {
		return nil
	}
	if w.fault() && w.oneIn(4) {
		return core.WorkerSpawnFailed{Key: key, Failure: core.Failure{Class: "spawn", Message: "no record"}}
	}
	worker := &worker{process: process{w: w}, key: key, said: key, probe: a.Probe}
	if w.policy.Method == core.SpawnDirect {
		w.workers[key] = worker
		w.processes = append(w.processes, worker)
		worker.alive, worker.followed = true, true
		worker.loads()
		return nil
	}
	w.asksForFork(worker)
	return nil
}

// asksForFork sends a preloader the message that has it fork a worker.
func (w *world) asksForFork(worker *worker) {
	p := w.preloaders[worker.key.Origin()]
	if p == nil || p.channel.closed {
		return
	}
	w.workers[worker.key] = worker
	w.processes = append(w.processes, worker)
	p.spawns = append(p.spawns, worker)
	w.after(w.latency(), p.work)
}

// loads is how a worker that loads the application by itself begins.
func (p *worker) loads() {
	w := p.w
	bad := w.badOf(p.key.Generation)
	p.do(w.brief(), func() {
		if w.fault() {
			p.fault()
			return
		}
		w.send(&p.channel, core.WorkerHello{Key: p.key, Hello: core.Hello{Pid: w.pid(), Ruby: "3.1.2"}})
		switch {
		case bad == hangsInLoad:
			return
		case bad == failsToLoad:
			p.do(w.brief(), func() { p.die(ident.ExitStatus{Code: 1}, true, "") })
			return
		}
		p.do(w.loadTime(), func() {
			if w.fault() {
				p.fault()
				return
			}
			p.loaded = true
			w.send(&p.channel, core.WorkerLoaded{Key: p.key, Loaded: core.Load{Pid: 1}})
			p.boots()
		})
	})
}

// boots is what happens between a worker's fork and its first accept.
func (p *worker) boots() {
	w := p.w
	p.loaded = true
	switch w.badOf(p.key.Generation) {
	case hangsInBoot:
		return
	case diesInBoot:
		p.do(w.brief(), func() { p.die(ident.ExitStatus{Code: 1}, true, "") })
		return
	}
	if !w.calm && p.key.Slot != ident.NoSlot && p.key.Slot < len(w.barren) && w.barren[p.key.Slot] {
		p.do(w.brief(), func() { p.die(ident.ExitStatus{Signal: 11}, false, "") })
		return
	}
	p.do(w.brief(), func() {
		if w.fault() {
			p.fault()
			if !p.alive || p.stuck {
				return
			}
		}
		if p.key.Slot == ident.NoSlot {
			p.prepared()
			return
		}
		if p.failsProbe() {
			return
		}
		p.up = true
		w.send(&p.channel, core.WorkerReady{Key: p.said, Pid: w.pid()})
		if p.drained {
			p.drains()
			return
		}
		if w.badOf(p.key.Generation) == diesInFirstRequest || w.hasPoison(p.key.Slot) || w.fault() {
			p.do(w.brief(), func() { p.die(ident.ExitStatus{Signal: 11}, false, "GET /") })
			return
		}
		if w.calm {
			p.do(time.Second, p.serves)
		}
	})
}

// serves answers a request, if it is the first one.
func (p *worker) serves() {
	if !p.up || p.leaving || p.endless {
		return
	}
	if p.served == 0 || p.w.calm {
		p.answers(1)
		if p.w.calm && p.watched {
			p.w.post(p.w.latency(), core.WorkersMeasured{Workers: []core.Measurement{p.measured(false)}})
		}
	}
	if !p.first {
		p.first = true
		if p.key.Refork > 0 {
			status := 200
			if bad := p.w.badOf(p.key.Generation); bad == answersBadly || bad == answersErrors {
				status = 500
			} else if p.w.fault() {
				status = 500 * p.w.below(2)
			}
			p.w.send(&p.channel, core.WorkerAnsweredFirst{Key: p.said, Status: status, Request: "GET /"})
		}
	}
}

// answers so many requests.
func (p *worker) answers(requests uint64) {
	p.served += requests
	if p.w.badOf(p.key.Generation) == answersErrors || p.w.fault() && p.w.below(2) == 1 {
		p.errors += requests
	} else {
		p.errors, p.sound = 0, true
	}
}

func (p *worker) measured(busy bool) core.Measurement {
	m := core.Measurement{Key: p.key, Private: p.private, Served: p.served, Errors: p.errors, Sound: p.sound, Busy: busy}
	if limit := p.w.policy.Limits.Memory; limit > 0 {
		m.Own = p.private
		if m.Own > limit && busy {
			m.Request = "GET /grow"
		}
	}
	return m
}

// fault is something that goes wrong with a worker at any time.
func (p *worker) fault() {
	w := p.w
	switch w.below(8) {
	case 0:
		p.die(killed, false, "")
	case 1:
		p.die(ident.ExitStatus{Code: 1}, !p.up, "")
	case 2:
		p.die(ident.ExitStatus{Signal: 11}, false, "GET /")
	case 3:
		p.stuck = true
		w.after(probes, p.health)
	case 4:
		p.stop()
	case 5: // exec
		p.stuck = true
		w.hangup(&p.channel, core.WorkerChannelClosed{Key: p.said})
		if p.control != nil {
			p.control.abandoned()
		}
	case 6:
		p.endless = true
	case 7:
		p.die(ident.ExitStatus{}, false, "")
	}
}

func (p *worker) stop() {
	if !p.stopped {
		p.stopped = true
		p.w.after(probes, p.health)
	}
}

// health is what a look at a process that does nothing finds, again and again.
func (p *worker) health() {
	w := p.w
	if !p.alive || w.workers[p.key] != p || !p.followed || !p.stuck && !p.stopped {
		return
	}
	known := w.check.worker(p.key)
	switch {
	case known == nil:
	case p.spare && !p.stopped && !known.told:
		return // it does what it is to do, nothing
	case p.stopped:
		w.post(w.latency(), core.WorkerStopped{Key: p.key})
	case known.accepting() && !p.exiting:
		w.post(w.latency(), core.WorkerStuck{Key: p.key, Reason: core.ReasonServedNobody, Waiting: 3})
	case known.given && !known.told && !known.killed:
		w.post(w.latency(), core.WorkerStuck{Key: p.key, Reason: core.ReasonTookNoSlot})
	case known.told && !w.stopping:
		w.post(w.latency(), core.WorkerStuck{Key: p.key, Reason: core.ReasonNotLeaving, Waiting: 0})
	}
	w.after(probes, p.health)
}

// die ends the process. What holds its channel's other end notices, and its parent when it knows it.
func (p *worker) die(exit ident.ExitStatus, failed bool, request string) {
	if !p.alive {
		return
	}
	p.alive, p.dead, p.up = false, true, false
	w := p.w
	w.hangup(&p.channel, core.WorkerChannelClosed{Key: p.said})
	ended := core.WorkerExited{Key: p.key, Exit: exit, Served: p.served, Errors: p.errors, Sound: p.sound, Request: request, CPU: w.cpu}
	if failed && p.probing {
		ended.Failed = &core.Failed{Stage: core.StageProbe, Failure: core.Failure{Class: "Failed", Message: "GET /up was answered with 500"}}
	} else if failed {
		ended.Failed = &core.Failed{Stage: "after_fork", Failure: core.Failure{Class: "RuntimeError", Message: "boom"}}
	}
	p.ended = ended
	if p.control != nil {
		p.control.abandoned()
	}
	if p.followed && !p.forgotten {
		p.reap(p.key, p.ended)
	}
}

// drain is what a worker does that is told to leave.
func (p *worker) drain() {
	if p.dead || p.drained {
		return
	}
	p.drained = true
	if p.stuck && !p.channel.closed {
		p.w.after(probes, p.health)
	}
	if p.up || p.spare {
		p.do(0, p.drains)
	} else if p.w.policy.Method == core.SpawnDirect && !p.loaded {
		p.do(p.w.brief(), func() { p.die(ident.ExitStatus{Code: 1}, false, "") })
	}
}

// drains finishes the request in hand.
func (p *worker) drains() {
	w := p.w
	if p.leaving {
		return
	}
	p.leaving = true
	if p.endless && !w.calm {
		return
	}
	wait := [...]time.Duration{time.Millisecond, 20 * time.Millisecond, 900 * time.Millisecond, 4 * time.Second, 45 * time.Second}[w.below(5)]
	if w.calm {
		wait = min(wait, 4*time.Second)
	}
	if w.fault() {
		p.endless = true
		return
	}
	p.do(wait, func() { p.die(ident.ExitStatus{}, false, "") })
}

func (p *worker) killed() { p.die(killed, false, "") }

// asked is the signal that has a worker that loads say where it is.
func (p *worker) asked() {
	if p.loaded || p.stuck || p.w.below(2) == 1 {
		return // it does not listen
	}
	p.do(0, func() { p.die(ident.ExitStatus{Code: 1}, true, "") })
}

// leavesUnasked is the end of a worker by its own decision.
func (p *worker) leavesUnasked() {
	w := p.w
	w.send(&p.channel, core.WorkerLeaving{Key: p.said, Served: p.served})
	p.leaving = true
	if !w.fault() {
		p.do(w.brief(), func() { p.die(ident.ExitStatus{}, false, "") })
		return
	}
	p.stuck, p.exiting = true, true // its exit handlers hang
	w.after(w.policy.DrainTimeout+probes, p.health)
}
