package sim

import (
	"slices"
	"time"

	"launcher/preforker/core"
	"launcher/preforker/ident"
)

// preloader is a preloader's process, and what the supervisor knows of it.
type preloader struct {
	process
	origin ident.Origin
	parent *worker   // that forks it; nil: it was started
	exists bool      // it is there, or was
	spawns []*worker // that it has yet to fork
	busy   bool      // in the middle of a step of its preparation
	eof    bool      // its life line has ended

	// Of the supervisor's:
	failed *core.Failed
	ended  core.PreloaderExited
}

func (w *world) startPreloader(generation int) core.Event {
	origin := ident.Origin{Generation: generation}
	first := generation == 1
	if w.fault() && !first && w.oneIn(3) {
		return core.PreloaderExited{Origin: origin, StartError: startError}
	}
	p := &preloader{process: process{w: w, alive: true, followed: true}, origin: origin, exists: true}
	w.preloaders[origin] = p
	bad := w.badOf(generation)
	if first && w.below(8) != 7 {
		bad = sound
	}
	goesWrong := func() bool { return w.fault() && (!first || w.oneIn(8)) }
	p.do(w.brief(), func() {
		if goesWrong() {
			p.fault()
			return
		}
		w.send(&p.channel, core.PreloaderHello{Origin: origin, Hello: core.Hello{Pid: w.pid(), Ruby: "3.1.2"}})
		switch bad {
		case hangsInLoad:
			return
		case failsToLoad:
			p.do(w.loadTime(), func() { p.die(ident.ExitStatus{Code: 1}, true) })
			return
		}
		p.do(w.loadTime(), func() {
			if goesWrong() {
				p.fault()
				return
			}
			p.isLoaded()
		})
	})
	return nil
}

// loadSeconds are those that a load says it took.
const loadSeconds = 4

func (p *preloader) isLoaded() {
	p.loaded = true
	p.w.send(&p.channel, core.PreloaderLoaded{Origin: p.origin, Loaded: core.Load{Pid: p.w.pid(), Ruby: "3.1.2", Seconds: loadSeconds}})
}

// preparePreloader has it prepare in steps, once the workers are forked that it was asked for.
func (w *world) preparePreloader(origin ident.Origin) {
	p := w.preloaders[origin]
	if p == nil {
		return
	}
	began := w.now
	p.do(w.latency(), func() { p.prepares(w.below(4), began) })
}

func (p *preloader) prepares(steps int, began time.Duration) {
	w := p.w
	if p.busy = steps > 0; p.busy {
		p.do(w.brief(), func() {
			if w.fault() {
				p.fault()
			}
			p.busy = false
			p.forkWaiting()
			if p.alive && !p.stuck {
				p.do(0, func() { p.prepares(steps-1, began) })
			}
		})
		return
	}
	w.send(&p.channel, core.PreloaderPrepared{Origin: p.origin, Seconds: (w.now - began).Seconds()})
}

// forkWaiting forks what was asked for in the middle of a step.
func (p *preloader) forkWaiting() {
	for len(p.spawns) > 0 && p.alive && !p.stuck && !p.stopped {
		p.work()
	}
}

func (p *preloader) fault() {
	w := p.w
	switch w.below(6) {
	case 0:
		p.die(killed, false)
	case 1:
		p.die(ident.ExitStatus{Code: 1}, true)
	case 2:
		p.stuck = true
	case 3:
		p.stopped = true
		w.after(probes, p.health)
	case 4: // it lives on, and cannot be told anything
		w.hangup(&p.channel, core.PreloaderChannelClosed{Origin: p.origin})
	case 5:
		w.hangup(&p.channel, core.PreloaderChannelClosed{Origin: p.origin})
		p.do(w.brief(), func() { p.die(ident.ExitStatus{}, false) })
	}
}

func (p *preloader) health() {
	if p.alive && p.stopped && p.followed && p.w.preloaders[p.origin] == p {
		p.w.post(p.w.latency(), core.PreloaderStopped{Origin: p.origin})
		p.w.after(probes, p.health)
	}
}

// work forks the workers that were asked for, one after the other.
func (p *preloader) work() {
	w := p.w
	if len(p.spawns) == 0 || !p.alive || p.stuck || p.busy {
		return
	}
	if p.stopped {
		p.deferred = append(p.deferred, p.work)
		return
	}
	worker := p.spawns[0]
	p.spawns = p.spawns[1:]
	if w.fault() {
		switch w.below(4) {
		case 0:
			w.send(&p.channel, core.WorkerSpawnFailed{Key: worker.key, Failure: core.Failure{Class: "Errno::EAGAIN", Message: "fork"}})
			w.hangup(&worker.channel, core.WorkerChannelClosed{Key: worker.key})
			return
		case 1: // it dies between the fork and telling of it
			worker.alive = true
			worker.boots()
			p.die(killed, false)
			return
		default:
			p.fault()
			if !p.alive || p.stuck || p.stopped {
				p.spawns = slices.Insert(p.spawns, 0, worker)
				if p.stopped {
					p.deferred = append(p.deferred, p.work)
				}
				if !p.alive {
					p.drop()
				}
				return
			}
		}
	}
	worker.alive = true
	w.send(&p.channel, core.WorkerSpawned{Key: worker.key, Pid: w.pid()})
	worker.boots()
}

// drop is what becomes of spawns that nobody has read.
func (p *preloader) drop() {
	for _, worker := range p.spawns {
		p.w.hangup(&worker.channel, core.WorkerChannelClosed{Key: worker.key})
	}
	p.spawns = nil
}

func (p *preloader) die(exit ident.ExitStatus, failed bool) {
	if !p.alive {
		return
	}
	p.alive = false
	w := p.w
	if failed {
		p.failed = &core.Failed{Stage: "load", Failure: core.Failure{Class: "SyntaxError", Message: "boom"}}
	}
	w.hangup(&p.channel, core.PreloaderChannelClosed{Origin: p.origin})
	p.drop()
	p.ended = core.PreloaderExited{Origin: p.origin, Exit: exit, Failed: p.failed, CPU: w.cpu}
	if p.followed {
		p.reap(p.origin, p.ended)
	}
}

func (p *preloader) leave() {
	w := p.w
	p.do(w.latency(), func() {
		p.forkWaiting() // what was asked for before
		if w.fault() {
			p.stuck = true // in its exit handlers
			return
		}
		p.do(w.brief(), func() { p.die(ident.ExitStatus{}, false) })
	})
}
