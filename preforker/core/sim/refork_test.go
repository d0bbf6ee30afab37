package sim

import (
	"launcher/preforker/core"
	"launcher/preforker/ident"
	"time"
)

func (w *world) reforkWorker(a core.ReforkWorker) {
	if w.fault() && w.oneIn(8) {
		w.post(0, core.PreloaderExited{Origin: a.Origin, StartError: startError})
		return
	}
	p := &preloader{w: w, origin: a.Origin}
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

func (p *worker) reforks(child *preloader) {
	w := p.w
	if p.control != child {
		return
	}
	if p.leaving || p.toldDrain {
		child.abandoned()
		return
	}
	if p.endless && !w.calm {
		p.do(10*time.Second, func() { p.reforks(child) })
		return
	}
	switch choice := w.below(12); {
	case choice == 1 || choice == 2:
		why := core.Refusal{Findings: []core.Finding{{Kind: "thread", Text: "a thread", Where: "a.rb:1"}}}
		if choice == 2 {
			why.Findings[0].Kind = core.KindDeclared
		}
		w.send(&child.channel, core.WorkerNotReforked{Origin: child.origin, Why: why})
		child.abandoned()
		return
	case choice == 3 && !w.calm:
		w.send(&child.channel, core.WorkerNotReforked{Origin: child.origin, Why: core.Refusal{Error: &core.Failure{Class: "Errno::EAGAIN"}}})
		child.abandoned()
		return
	}
	if w.fault() {
		switch w.below(4) {
		case 0:
			p.fault()
			p.do(time.Second, func() { p.reforks(child) })
			return
		case 1: // the fork ends before it says anything
			child.exists, child.alive = true, true
			w.send(&child.channel, core.WorkerReforked{Origin: child.origin, Pid: w.pid()})
			p.control = nil
			child.die(ident.ExitStatus{Signal: 9}, false)
			return
		case 2: // the worker ends before it tells
			child.exists, child.alive = true, true
			p.die(ident.ExitStatus{Signal: 9}, false, "")
			child.do(w.brief(), child.isLoaded)
			child.hears()
			return
		case 3: // neither tells
			child.exists, child.alive = true, true
			p.die(ident.ExitStatus{Signal: 9}, false, "")
			child.die(ident.ExitStatus{Signal: 9}, false)
			return
		}
	}
	child.exists, child.alive = true, true
	p.control = nil
	told := core.WorkerReforked{Origin: child.origin, Pid: w.pid()}
	loads := func() {
		if w.fault() {
			child.fault()
			return
		}
		child.isLoaded()
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
