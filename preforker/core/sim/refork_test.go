package sim

import (
	"time"

	"launcher/preforker/core"
	"launcher/preforker/ident"
)

func (w *world) reforkWorker(a core.ReforkWorker) {
	if w.fault() && w.oneIn(8) {
		w.post(0, core.PreloaderExited{Origin: a.Origin, StartError: startError})
		return
	}
	p := &preloader{process: process{w: w}, origin: a.Origin}
	w.preloaders[a.Origin] = p
	worker := w.workers[a.Key]
	if worker == nil || !worker.alive || worker.channel.closed {
		p.abandoned()
		return
	}
	worker.control, p.parent = p, worker
	wait := [...]time.Duration{time.Millisecond, 500 * time.Millisecond, 20 * time.Second}[w.below(3)]
	worker.do(wait, func() { worker.reforks(p) })
}

// abandoned: the worker that was to fork it is gone, or will not.
func (p *preloader) abandoned() {
	if p.parent != nil {
		p.parent.control = nil
	}
	if !p.exists {
		p.w.hangup(&p.channel, core.PreloaderChannelClosed{Origin: p.origin})
	}
}

// reforks forks a preloader, when the request in hand is done.
func (p *worker) reforks(child *preloader) {
	switch {
	case p.control != child:
	case p.leaving || p.drained || p.refuses(child):
		child.abandoned()
	case p.endless && !p.w.calm:
		p.do(10*time.Second, func() { p.reforks(child) })
	case p.w.fault():
		p.failsToRefork(child)
	default:
		p.forks(child)
	}
}

// refuses tells why there is no refork, if there is a reason.
func (p *worker) refuses(child *preloader) bool {
	var why core.Refusal
	switch p.w.below(12) {
	case 1:
		why.Findings = []core.Finding{{Kind: "thread", Text: "a thread", Where: "a.rb:1"}}
	case 2:
		why.Findings = []core.Finding{{Kind: core.KindDeclared, Text: "unfit"}}
	case 3:
		if p.w.calm {
			return false
		}
		why.Error = &core.Failure{Class: "Errno::EAGAIN", Message: "fork"}
	default:
		return false
	}
	p.w.send(&child.channel, core.WorkerNotReforked{Origin: child.origin, Why: why})
	return true
}

// failsToRefork ends at one of the steps of a refork.
func (p *worker) failsToRefork(child *preloader) {
	w := p.w
	step := w.below(4)
	if step == 0 {
		p.fault()
		p.do(time.Second, func() { p.reforks(child) })
		return
	}
	child.exists, child.alive = true, true
	switch step {
	case 1: // the fork ends before it says anything
		w.send(&child.channel, core.WorkerReforked{Origin: child.origin, Pid: w.pid()})
		p.control = nil
		child.die(killed, false)
	case 2: // the worker ends before it tells
		p.die(killed, false, "")
		child.do(w.brief(), child.isLoaded)
		child.hears()
	case 3: // neither tells
		p.die(killed, false, "")
		child.die(killed, false)
	}
}

func (p *worker) forks(child *preloader) {
	w := p.w
	child.exists, child.alive = true, true
	p.control = nil
	told := core.WorkerReforked{Origin: child.origin, Pid: w.pid()}
	loads := func() {
		if w.fault() {
			child.fault()
		} else {
			child.isLoaded()
		}
	}
	if w.below(2) == 0 {
		w.send(&child.channel, told)
		child.do(w.brief(), loads)
	} else { // its own packet may come first
		loads()
		w.send(&child.channel, told)
	}
	child.hears()
}

// hears is what a preloader does whose life line had ended before it was there.
func (p *preloader) hears() {
	if p.eof {
		p.do(p.w.brief(), func() { p.die(ident.ExitStatus{}, false) })
	}
}
