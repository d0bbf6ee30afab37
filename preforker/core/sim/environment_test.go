package sim

import (
	"time"

	"launcher/preforker/core"
	"launcher/preforker/ident"
)

// paces are the pauses between two things that happen from outside: of all sizes, of a storm, of a quiet site, and
// of its own samples.
var paces = [...][8]time.Duration{
	{time.Second, 0, time.Millisecond, 10 * time.Millisecond, 100 * time.Millisecond, 2 * time.Second, 10 * time.Second, 40 * time.Second},
	{100 * time.Millisecond, 0, 0, time.Millisecond, time.Millisecond, 10 * time.Millisecond, 50 * time.Millisecond, time.Second},
	{5 * time.Second, 200 * time.Millisecond, time.Second, 2 * time.Second, 3 * time.Second, 10 * time.Second, 20 * time.Second, 90 * time.Second},
	{200 * time.Millisecond, 200 * time.Millisecond, 200 * time.Millisecond, 200 * time.Millisecond, 500 * time.Millisecond, time.Second, 3 * time.Second, 31 * time.Second},
}

func (w *world) pause(pace int) time.Duration { return paces[pace][w.below(len(paces[pace]))] }

// environment lets something happen from outside, so many times; then the faults end.
func (w *world) environment(left, pace int) {
	switch {
	case w.calm:
	case left > 0:
		w.happens()
		w.after(w.pause(pace), func() { w.environment(left-1, pace) })
	case !w.stopping:
		w.calms()
	}
}

func (w *world) happens() {
	switch w.below(33) {
	case 0:
	case 1, 2:
		w.restarts()
	case 3, 4, 5:
		if p := w.someWorker(); p != nil {
			p.fault()
		}
	case 6, 7:
		if p := w.somePreloader(); p != nil {
			p.fault()
		}
	case 8:
		w.losesSockets()
	case 9, 10:
		if p := w.someWorker(); p != nil && (p.up || p.spare) {
			p.leavesUnasked()
		}
	case 11: // a probe may be wrong, and may come late
		if p := w.someWorker(); p != nil && p.followed {
			reason := []core.Reason{core.ReasonServedNobody, core.ReasonTookNoSlot, core.ReasonNotLeaving}[w.below(3)]
			w.post(w.latency(), core.WorkerStuck{Key: p.key, Reason: reason, Waiting: 1})
		}
	case 12:
		if w.oneIn(4) {
			w.stops()
		}
	case 13: // several at once, as the kernel kills where memory is short
		for range 3 {
			if p := w.someWorker(); p != nil {
				p.die(killed, false, "")
			}
		}
	case 14:
		if p := w.someWorker(); p != nil {
			p.stop()
		}
	case 15: // what a generation needs is gone, or there again
		if w.oneIn(3) && w.check.booted {
			w.bad[len(w.bad)-1-w.below(len(w.bad))] = badness(w.below(int(badnesses)))
		}
	case 16:
		if w.below(2) == 1 {
			w.scales()
		}
	case 17, 18:
		w.connections()
	case 19:
		if p := w.someWorker(); p != nil {
			p.overdue()
		}
	case 20:
		if w.oneIn(4) {
			w.allOverdue()
		} else if p := w.someWorker(); p != nil && p.up {
			p.recycles()
		}
	case 30:
		w.kills()
	case 31:
		w.asksForBacktrace()
	case 32:
		w.asksForRefork()
	default:
		w.traffic()
	}
}

func (w *world) someWorker() *worker {
	for range 4 {
		if len(w.processes) == 0 {
			return nil
		}
		p := w.processes[len(w.processes)-1-w.below(min(len(w.processes), 2*len(w.bound)))]
		if p.alive && !p.forgotten {
			return p
		}
	}
	return nil
}

func (w *world) somePreloader() *preloader {
	known := w.check.preloaders
	if len(known) == 0 || !w.check.booted {
		return nil
	}
	p := w.preloaders[known[len(known)-1-w.below(len(known))].origin]
	if p == nil || !p.alive {
		return nil
	}
	return p
}

func (w *world) restarts() {
	if w.oneIn(3) {
		w.nextBad = badness(w.below(int(badnesses)))
	}
	if w.oneIn(3) {
		w.post(0, core.MemoryAvailable{Bytes: uint64(w.below(64)) * megabyte})
	}
	w.post(w.latency(), core.RestartAsked{By: "HUP"})
	if w.oneIn(4) {
		w.post(w.latency(), core.RestartAsked{By: "HUP"})
	}
}

func (w *world) losesSockets() {
	var slots []int
	for slot := range w.bound {
		if w.below(2) == 0 {
			slots = append(slots, slot)
		}
	}
	w.post(w.latency(), core.SocketsLost{Slots: slots})
}

// traffic is requests, and what they do to the memory of workers.
func (w *world) traffic() {
	if w.below(6) == 1 {
		w.rush = !w.rush
	}
	var found []core.Measurement
	for i := range w.check.slots { // in an order that is the same each time
		for _, known := range w.check.slots[i].workers {
			p := w.workers[known.key]
			if p == nil || !p.up || p.leaving || p.stuck || p.stopped || p.endless {
				continue
			}
			served := [...]uint64{0, 1, 3, 8, 12, 40, 110}[w.below(7)]
			if served == 0 {
				continue
			}
			p.serves()
			p.answers(served)
			p.private = w.privateAfter(p.private, served)
			if p.watched {
				m := p.measured(w.below(3) == 2 || w.rush)
				m.Runnable = time.Duration(w.below(5)) * time.Second
				found = append(found, m)
			}
		}
	}
	if len(found) > 0 {
		w.post(w.latency(), core.WorkersMeasured{Workers: found})
	}
}

func (w *world) privateAfter(private, served uint64) uint64 {
	switch w.below(6) {
	case 0:
		return private + served*megabyte/8
	case 1:
		return private + megabyte
	case 2:
		return 0 // it could not be read
	case 3:
		return private + uint64(w.below(100))*megabyte
	case 4:
		return 1 << 36
	}
	return private
}

// stops asks for the end, in one of the ways in which that is done.
func (w *world) stops() {
	if w.stopping {
		w.post(w.latency(), core.StopAsked{By: "TERM", Now: w.below(2) == 1})
		return
	}
	w.stopping, w.stopped = true, w.now
	if w.below(4) == 1 {
		w.post(0, core.SuccessorComes{})
		switch w.below(3) { // nobody follows after all
		case 1:
			w.post(w.pause(0), core.StopAsked{By: "TERM"})
		case 2:
			w.post(w.pause(0), core.FrontStopAsked{By: "TERM"})
		}
	}
	switch w.below(4) {
	case 2:
		w.post(0, core.FrontStopAsked{By: "TERM"})
		if w.below(4) != 3 {
			w.post(w.pause(0), core.FrontStopped{})
		}
	case 3:
		w.post(0, core.StopAsked{By: "INT", Now: true})
	default:
		w.post(0, core.StopAsked{By: "TERM"})
		if w.below(3) == 1 {
			w.post(w.pause(0), core.StopAsked{By: "TERM", Now: true})
		}
	}
}

// calms ends the faults. What hangs goes on hanging, but for endless requests.
func (w *world) calms() {
	w.calm = true
	for _, p := range w.processes {
		if p.endless {
			p.endless = false
			if p.leaving {
				p.do(time.Second, func() { p.die(ident.ExitStatus{}, false, "") })
			}
		}
		if p.up && !p.leaving {
			p.do(time.Second, p.serves)
		}
	}
}
