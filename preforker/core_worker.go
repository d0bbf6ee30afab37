package preforker

import (
	"fmt"
	"log/slog"
	"time"

	"launcher/preforker/internal/wire"
)

// fill gives every slot what it lacks: a worker where there is none, then, one slot
// at a time, a worker of the newest generation beside an older one. It is called
// after everything that could have made either possible.
func (c *core) fill() {
	source := c.source()
	if c.phase != phaseRunning || source == nil {
		return
	}
	spawning := c.count(WorkerSpawning)
	for _, s := range c.slots {
		if spawning < spawnsAtOnce && s.state == SlotVacant {
			c.openSlot(s)
			c.spawn(s, c.provenSource())
			spawning++
		}
	}
	c.roll(source)
	c.settle(source)
}

func (c *core) count(state WorkerState) (n int) {
	for _, s := range c.slots {
		for _, w := range s.workers {
			if w.state == state {
				n++
			}
		}
	}
	return n
}

// roll starts a successor for the first slot that serves an older generation, one slot
// at a time. It never goes back, and waits where a still newer generation is loading.
func (c *core) roll(source *preloader) {
	if l := c.loading(); l != nil && l.generation > source.generation {
		return
	}
	var next *slot
	for _, s := range c.slots {
		w := s.serving()
		switch {
		case w == nil:
		case w.key.Generation == source.generation && w.state != WorkerReady:
			return // a successor is on its way
		case w.key.Generation < source.generation && w.state == WorkerReady && next == nil && s.retryAt <= c.now:
			next = s
		}
	}
	if next != nil {
		c.spawn(next, source)
	}
}

// settle announces a generation that every slot has reached, and retires the
// preloaders before it.
func (c *core) settle(source *preloader) {
	for _, s := range c.slots {
		w := s.serving()
		if w == nil || w.state != WorkerReady || w.key.Generation != source.generation {
			return
		}
	}
	if c.announced != source.generation {
		c.announced = source.generation
		c.do(announce{source.generation})
	}
	for _, p := range c.preloaders {
		if p.generation < source.generation {
			c.retire(p, ReasonRolled)
		}
	}
}

func (c *core) spawn(s *slot, source *preloader) {
	c.serial++
	w := &worker{key: wire.Key{Slot: s.number, Generation: source.generation, Serial: c.serial}, since: c.now}
	s.workers = append(s.workers, w)
	if s.state != SlotOccupied {
		c.moveSlot(s, SlotOccupied)
	}
	c.do(spawnWorker{w.key})
	c.do(setTimer{timer{timerWorkerBoot, w.key}, c.policy.bootTimeout})
}

func (c *core) worker(key wire.Key) (*slot, *worker) {
	if key.Slot < 0 || key.Slot >= len(c.slots) {
		return nil, nil
	}
	s := c.slots[key.Slot]
	for _, w := range s.workers {
		if w.key == key {
			return s, w
		}
	}
	return nil, nil
}

func (c *core) moveWorker(w *worker, to WorkerState) {
	if err := change(workerTransitions, &w.state, to); err != nil {
		c.fault(fmt.Errorf("worker %s: %w", w.key, err))
		return
	}
	w.since = c.now
}

func (c *core) moveSlot(s *slot, to SlotState) {
	if err := change(slotTransitions, &s.state, to); err != nil {
		c.fault(fmt.Errorf("slot %d: %w", s.number, err))
	}
}

func (w *worker) attrs(more ...slog.Attr) []slog.Attr {
	attrs := []slog.Attr{slog.Int(keySlot, w.key.Slot), slog.Int(keyGeneration, w.key.Generation)}
	if w.pid != 0 {
		attrs = append(attrs, slog.Int(keyPid, w.pid))
	}
	return append(attrs, more...)
}

func (c *core) workerSpawned(e workerSpawned) {
	_, w := c.worker(e.key)
	if w == nil {
		return
	}
	w.pid = e.pid
	c.forked(e.key.Generation)
	switch w.state {
	case WorkerSpawning:
		c.moveWorker(w, WorkerBooting)
		c.fill()
	case WorkerKilling: // it was to be killed before it had a pid
		c.do(killWorker{w.key})
	}
}

// forked notes that a preloader answers spawns.
func (c *core) forked(generation int) {
	if p := c.preloader(generation); p != nil {
		p.forked = c.now
	}
}

// workerSpawnFailed: the fork did not happen. The slot waits as after an early death.
func (c *core) workerSpawnFailed(e workerSpawnFailed) {
	s, w := c.worker(e.key)
	if w == nil {
		return
	}
	c.forked(e.key.Generation)
	c.log(slog.LevelError, "worker could not be forked", w.attrs(slog.Any(keyError, failureError(e.error)))...)
	c.do(forgetWorker{w.key, false})
	c.bury(s, w, true, slotBackoff.most)
}

func (c *core) workerReady(e workerReady) {
	s, w := c.worker(e.key)
	if w == nil {
		return
	}
	w.pid = e.pid
	switch w.state {
	case WorkerSpawning, WorkerBooting:
	case WorkerKilling: // this may be the first that is heard of its pid
		c.do(killWorker{w.key})
		return
	default:
		return // it is leaving already
	}
	took := c.now - w.since
	c.moveWorker(w, WorkerReady)
	if p := c.preloader(e.key.Generation); p != nil {
		p.proven = true
	}
	c.log(slog.LevelInfo, "worker is ready", w.attrs(slog.Float64(keySeconds, seconds(took)))...)
	for _, older := range s.workers {
		if older != w && !older.leaving() {
			c.drain(older, ReasonRolled, false)
		}
	}
	c.fill()
}

// drain asks a worker to leave when its request in hand is done. A successor
// serves its socket, or with backlog it empties the queue itself.
func (c *core) drain(w *worker, reason Reason, backlog bool) {
	w.reason = reason
	c.moveWorker(w, WorkerDraining)
	c.do(drainWorker{w.key, backlog})
	c.do(setTimer{timer{timerWorkerDrain, w.key}, c.policy.drainTimeout})
}

func (c *core) kill(w *worker, reason Reason) {
	if w.state == WorkerKilling {
		return
	}
	w.reason = reason
	c.moveWorker(w, WorkerKilling)
	c.do(killWorker{w.key})
}

func (c *core) workerDrainTimeout(key wire.Key) {
	_, w := c.worker(key)
	if w == nil || w.state != WorkerDraining {
		return
	}
	c.log(slog.LevelWarn, "worker did not drain in time and is killed",
		w.attrs(slog.Duration(keyTimeout, c.policy.drainTimeout))...)
	c.kill(w, w.reason)
}

// workerBootTimeout kills a worker that is not ready. One without a pid was never
// forked: then it is the preloader that does not answer, unless it is only slow, and
// has others to fork before this one.
func (c *core) workerBootTimeout(key wire.Key) {
	_, w := c.worker(key)
	if w == nil || (w.state != WorkerSpawning && w.state != WorkerBooting) {
		return
	}
	if p := c.preloader(key.Generation); w.state == WorkerSpawning && p != nil && c.now-p.forked < c.policy.bootTimeout {
		c.do(setTimer{timer{timerWorkerBoot, key}, p.forked + c.policy.bootTimeout - c.now})
		return
	}
	c.log(slog.LevelError, "worker was not ready in time and is killed",
		w.attrs(slog.String(keyState, w.state.String()), slog.Duration(keyTimeout, c.policy.bootTimeout))...)
	if w.state == WorkerSpawning {
		c.preloaderKill(key.Generation)
		return
	}
	c.kill(w, ReasonBootTimeout)
}

// workerExited: a worker is gone and reaped.
func (c *core) workerExited(e workerExited) {
	s, w := c.worker(e.key)
	if w == nil {
		return
	}
	attrs := w.attrs(slog.String(keyExit, e.exit.String()), slog.Uint64(keyServed, e.served))
	if w.leaving() && w.reason != ReasonBootTimeout {
		c.log(slog.LevelInfo, "worker left", append(attrs, slog.String(keyReason, string(w.reason)))...)
		c.bury(s, w, false, 0)
		return
	}
	young := e.served == 0 && (w.state != WorkerReady || c.now-w.since < youngLife)
	reason := ReasonCrashed
	if w.reason != "" {
		reason = w.reason
	}
	if e.failed != nil {
		reason = ReasonBootFailed
		attrs = append(attrs, slog.Any(keyError, failureError(e.failed.Error)))
	}
	if e.request != "" {
		attrs = append(attrs, slog.String(keyRequest, e.request))
	}
	c.log(slog.LevelError, "worker died", append(attrs, slog.String(keyReason, string(reason)))...)
	if !young {
		s.deaths = 0
	}
	most := slotBackoff.most
	if e.request != "" {
		// It is the request that kills: others, which wait in the socket, may not.
		most = closeAfter
	}
	c.bury(s, w, young, most)
}

// loseSpawning gives up the workers whose preloader died before it told their
// pids. They are nobody's fault, so their slots do not wait.
func (c *core) loseSpawning(generation int) {
	for _, s := range c.slots {
		for _, w := range append([]*worker(nil), s.workers...) {
			if w.pid == 0 && w.key.Generation == generation {
				c.log(slog.LevelWarn, "worker was lost", w.attrs(slog.String(keyReason, string(ReasonLost)))...)
				c.do(forgetWorker{w.key, true})
				c.bury(s, w, false, 0)
			}
		}
	}
}

// bury removes a worker from its slot, and decides when the next one comes: at once,
// or after young deaths in a row later and later, but within most.
func (c *core) bury(s *slot, gone *worker, young bool, most time.Duration) {
	if gone.state != WorkerExited {
		c.moveWorker(gone, WorkerExited)
	}
	for i, w := range s.workers {
		if w == gone {
			s.workers = append(s.workers[:i], s.workers[i+1:]...)
			break
		}
	}
	if c.phase == phaseStopping {
		c.vacate(s)
		c.finishWhenDone()
		return
	}
	wait := time.Duration(0)
	if young {
		s.deaths++
		wait = min(slotBackoff.delay(s.deaths, c.random()), most)
	}
	if wait == 0 {
		c.vacate(s)
	} else {
		c.wait(s, wait)
	}
	c.fill()
}

// vacate marks a slot that nobody serves as one that wants a worker. One that still
// drains accepts nothing any more.
func (c *core) vacate(s *slot) {
	if s.serving() == nil && s.state == SlotOccupied {
		c.moveSlot(s, SlotVacant)
	}
}

// wait keeps a slot from being tried again for a while. Where nobody else serves
// it and the wait is long, its socket goes, and the web server turns to
// the slot's neighbours.
func (c *core) wait(s *slot, wait time.Duration) {
	s.retryAt = c.now + wait
	c.do(setTimer{timer{timerSlot, wire.Key{Slot: s.number, Serial: s.deaths}}, wait})
	if s.serving() != nil {
		return
	}
	c.do(tellSettled{})
	c.moveSlot(s, SlotBackoff)
	c.log(slog.LevelWarn, "slot waits before its next worker",
		slog.Int(keySlot, s.number), slog.Int(keyDeaths, s.deaths), slog.Duration(keyWait, wait))
	if wait > closeAfter {
		c.closeSlot(s)
	}
}

func (c *core) closeSlot(s *slot) {
	if s.open {
		s.open = false
		c.do(closeSlot{s.number})
	}
}

func (c *core) openSlot(s *slot) {
	if !s.open {
		s.open = true
		c.do(openSlot{s.number})
	}
}

func (c *core) slotRetry(key wire.Key) {
	s := c.slots[key.Slot]
	if c.phase != phaseRunning || s.deaths != key.Serial {
		return
	}
	if s.state == SlotBackoff {
		c.moveSlot(s, SlotVacant)
	}
	c.fill()
}

// slotNotBound: the socket of a slot that comes back could not be bound.
func (c *core) slotNotBound(e slotNotBound) {
	s := c.slots[e.slot]
	c.log(slog.LevelError, "socket could not be bound again", slog.Int(keySlot, e.slot), slog.Any(keyError, e.err))
	s.open = false
	if w := s.serving(); w != nil {
		// The spawn that went with it has no listener.
		c.do(forgetWorker{w.key, false})
		c.bury(s, w, true, slotBackoff.most)
	}
}

func seconds(d time.Duration) float64 { return float64(d.Milliseconds()) / 1000 }
