package sim

import (
	"time"

	"launcher/preforker/core"
	"launcher/preforker/ident"
)

// translate does what the supervisor does before the core hears of an event.
func (w *world) translate(e core.Event) core.Event {
	switch e := e.(type) {
	case core.WorkerExited:
		e.Key = w.named(e.Key)
		delete(w.workers, e.Key)
		return e
	case core.PreloaderExited:
		delete(w.preloaders, e.Origin)
	case core.PreloaderChannelClosed:
		if p := w.preloaders[e.Origin]; p != nil && !p.followed {
			delete(w.preloaders, e.Origin)
			return core.PreloaderExited{Origin: e.Origin, Failed: p.failed}
		}
	case core.PreloaderLoaded:
		w.followPreloader(e.Origin)
	case core.WorkerReforked:
		w.followPreloader(e.Origin)
	case core.WorkerSpawned:
		w.followWorker(e.Key)
	case core.WorkerReady:
		w.followWorker(e.Key)
	case core.SocketsLost:
		var lost []int
		for _, slot := range e.Slots {
			if slot < len(w.bound) && w.bound[slot] {
				lost = append(lost, slot)
			}
		}
		if len(lost) == 0 || w.stopping {
			return nil
		}
		return core.SocketsLost{Slots: lost}
	}
	return e
}

var startError = &core.StartError{Text: "it was to fail"}

// perform carries out one action, and returns the event of one that fails at once.
func (w *world) perform(a core.Action) core.Event {
	switch a := a.(type) {
	case core.StartPreloader:
		return w.startPreloader(a.Generation)
	case core.RestorePriority: // nothing depends on it
	case core.PreparePreloader:
		w.preparePreloader(a.Origin)
	case core.RetirePreloader:
		w.retirePreloader(a)
	case core.SignalPreloader:
		w.signalPreloader(a)
	case core.ReforkWorker:
		w.reforkWorker(a)
	case core.SpawnWorker:
		return w.spawnWorker(a)
	case core.SpawnSpare:
		return w.spawnSpare(a.Key)
	case core.OpenSlot:
		return w.bind(a.Slot)
	case core.RebindSlot:
		w.bound[a.Slot] = false
		return w.bind(a.Slot)
	case core.CloseSlot, core.RemoveSlot, core.SetSlots, core.AwaitConnection:
		w.performOnSlots(a)
	case core.MeasurePreloader:
		if p := w.preloaders[a.Origin]; p != nil && p.followed && !w.fault() {
			w.post(w.latency(), core.PreloaderMeasured{Origin: a.Origin, Preloader: uint64(20+w.below(200)) * megabyte, Launcher: 8 * megabyte})
		}
	case core.SetTimer:
		late := time.Duration(0)
		if w.fault() {
			late = w.latency()
		}
		w.post(a.After+late, core.TimerFired{Timer: a.Timer})
	case core.Finish:
		w.finished = true
	default:
		w.performOnWorker(a)
	}
	return nil
}

func (w *world) performOnSlots(a core.Action) {
	switch a := a.(type) {
	case core.CloseSlot:
		w.bound[a.Slot] = false
	case core.RemoveSlot:
		w.bound[a.Slot] = false
	case core.SetSlots:
		w.resize(a.Slots)
	case core.AwaitConnection:
		w.await(a.Slot)
	}
}

// performOnWorker does nothing with one that has ended: the core hears of that next.
func (w *world) performOnWorker(a core.Action) {
	switch a := a.(type) {
	case core.DrainWorker:
		if p := w.workers[a.Key]; p != nil {
			w.after(w.latency(), p.drain)
		}
	case core.KillWorker:
		if p := w.workers[a.Key]; p != nil && p.followed {
			w.after(w.latency(), p.killed)
		}
	case core.ContinueWorker:
		if p := w.workers[a.Key]; p != nil {
			w.after(w.latency(), p.resume)
		}
	case core.AskWorker:
		if p := w.workers[a.Key]; p != nil {
			w.after(w.latency(), p.asked)
		}
	case core.LocateWorker:
		if p := w.workers[a.Key]; p != nil {
			w.after(w.latency(), p.locate)
		}
	case core.ForgetWorker:
		w.forgetWorker(a)
	case core.AssignSpare:
		w.assignSpare(a)
	case core.WatchWorker:
		if p := w.workers[a.Key]; p != nil && p.followed {
			p.watched = true
		}
	}
}

// bind binds a socket, unless that fails.
func (w *world) bind(slot int) core.Event {
	if w.fault() {
		return core.SlotNotBound{Slot: slot, Error: "it was to fail"}
	}
	w.bound[slot] = true
	return nil
}

// followWorker waits for a worker whose pid has become known.
func (w *world) followWorker(key ident.Key) {
	p := w.workers[key]
	if p == nil || p.followed {
		return
	}
	if w.fault() && w.oneIn(10) { // it cannot be followed
		w.forgetWorker(core.ForgetWorker{Key: key, MayLive: true})
		w.post(0, core.WorkerSpawnFailed{Key: key, Failure: core.Failure{Class: "follow", Message: "no such process"}})
		return
	}
	p.followed = true
	if p.dead {
		p.reap(p.key, p.ended)
	}
}

// forgetWorker hears nothing more of a worker. One that is there leaves, as its channel ends.
func (w *world) forgetWorker(a core.ForgetWorker) {
	p := w.workers[a.Key]
	if p == nil {
		return
	}
	delete(w.workers, a.Key)
	p.forgotten = true
	w.after(w.latency(), p.drain) // by the end of its channel
}

func (w *world) retirePreloader(a core.RetirePreloader) {
	p := w.preloaders[a.Origin]
	if p == nil {
		return
	}
	w.after(w.latency(), func() {
		if !p.channel.closed {
			p.leave()
		}
	})
}

// signalPreloader ends the life line of one whose pid is not known.
func (w *world) signalPreloader(a core.SignalPreloader) {
	p := w.preloaders[a.Origin]
	if p == nil {
		return
	}
	if !p.followed {
		p.eof = true
		w.after(w.latency(), func() {
			if p.exists {
				p.die(ident.ExitStatus{}, false)
			}
		})
		return
	}
	w.after(w.latency(), func() {
		switch a.Signal {
		case ident.SIGKILL:
			p.die(killed, false)
		case ident.SIGTERM:
			p.do(w.brief(), func() { p.die(ident.ExitStatus{Signal: 15}, false) })
		case ident.SIGQUIT:
			if w.below(2) == 0 {
				p.do(0, func() { p.die(ident.ExitStatus{Code: 1}, true) })
			}
		case ident.SIGCONT:
			p.resume()
		}
	})
}

// followPreloader waits for a preloader whose pid has become known.
func (w *world) followPreloader(origin ident.Origin) {
	p := w.preloaders[origin]
	if p == nil || p.followed {
		return
	}
	p.followed = true
	if p.exists && !p.alive {
		p.reap(p.origin, p.ended)
	}
	if p.stopped {
		w.after(probes, p.health)
	}
}
