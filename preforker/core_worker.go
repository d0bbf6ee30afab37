package preforker

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"launcher/preforker/ident"
)

func (c *core) worker(key ident.Key) (*slot, *worker) {
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

func (w *worker) attrs(more ...slog.Attr) []slog.Attr {
	attrs := append([]slog.Attr{slog.Int(keySlot, w.key.Slot)}, originAttrs(w.key.Origin())...)
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
	c.forked(e.key.Origin())
	switch w.state {
	case WorkerSpawning:
		c.moveWorker(w, WorkerBooting)
		c.fill()
	case WorkerKilling: // it was to be killed before it had a pid
		c.do(w.killing())
	}
}

// forked notes that a preloader answers spawns.
func (c *core) forked(origin ident.Origin) {
	if p := c.preloader(origin); p != nil {
		p.forked = c.now
	}
}

// workerSpawnFailed: the fork did not happen. The slot waits as after an early death.
func (c *core) workerSpawnFailed(e workerSpawnFailed) {
	s, w := c.worker(e.key)
	if w == nil {
		return
	}
	if p := c.unloaded(w); p != nil {
		c.firstLoadFailed(s, w, p, loadError(preloaderExited{startError: errors.New(e.error.Message)}, PreloaderStarting, "", 0))
		return
	}
	c.forked(e.key.Origin())
	c.log(slog.LevelError, "worker could not be started", w.attrs(slog.Any(keyError, failureError(e.error)))...)
	c.do(forgetWorker{w.key, false})
	c.bury(s, w, !w.leaving(), slotBackoff.most)
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
		c.do(w.killing())
		return
	default:
		return // it is leaving already
	}
	took := c.now - w.since
	c.moveWorker(w, WorkerReady)
	c.watch(w)
	if p := c.preloader(e.key.Origin()); p != nil && p.origin.Refork == 0 {
		p.proven = true
	}
	level := slog.LevelInfo
	for _, older := range s.workers {
		if older == w || older.leaving() {
			continue
		}
		reason := successorReason(older, w)
		if reason.renewal() {
			level = slog.LevelDebug // it is routine
			if s.retryAt <= c.now {
				s.deaths = 0 // of successors that did not come up; a timer waits for no other
			}
		}
		c.drain(older, reason, false)
	}
	c.log(level, "worker is ready", w.attrs(slog.Float64(keySeconds, seconds(took)))...)
	if w.binding == s.binding {
		c.boundAgain(s)
	}
	c.strand(s, w)
	c.fill()
}

// successorReason says why a worker gives way to a younger one of its slot.
func successorReason(older, younger *worker) Reason {
	switch {
	case older.key.Generation != younger.key.Generation:
		return ReasonRolled
	case older.renewal != "":
		return older.renewal
	default:
		return ReasonReforked
	}
}

// drain asks a worker to leave when its request in hand is done. A successor
// serves its socket, or with backlog it empties the queue itself.
func (c *core) drain(w *worker, reason Reason, backlog bool) {
	w.reason = reason
	if p := c.unborn(w); p != nil {
		p.reason = reason // it may never begin
	}
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
	c.do(w.killing())
}

// killing takes along what a load has started, which is of no use to anybody when the load is
// given up; what a loaded application has started may be.
func (w *worker) killing() killWorker { return killWorker{w.key, !w.loaded} }

func (c *core) workerDrainTimeout(key ident.Key) {
	_, w := c.worker(key)
	if w == nil || w.state != WorkerDraining {
		return
	}
	if w.reason.patient() {
		c.log(slog.LevelWarn, "worker was replaced and still finishes its last request",
			w.attrs(slog.String(keyReason, string(w.reason)), slog.Duration(keyTimeout, c.policy.drainTimeout))...)
		return
	}
	if w.reason != ReasonBootTimeout { // which was logged when it was asked where it is
		c.log(slog.LevelWarn, "worker did not drain in time and is killed",
			w.attrs(slog.Duration(keyTimeout, c.policy.drainTimeout))...)
	}
	c.kill(w, w.reason)
}

// workerBootTimeout kills a worker that is not ready. One without a pid was never
// forked: then it is the preloader that does not answer, unless it is only slow, and
// has others to fork before this one.
func (c *core) workerBootTimeout(key ident.Key) {
	_, w := c.worker(key)
	if w == nil || (w.state != WorkerSpawning && w.state != WorkerBooting) {
		return
	}
	if p := c.preloader(key.Origin()); w.loaded && w.state == WorkerSpawning && p != nil && c.now-p.forked < c.policy.bootTimeout {
		c.do(setTimer{timer{timerWorkerBoot, key}, p.forked + c.policy.bootTimeout - c.now})
		return
	}
	c.log(slog.LevelError, "worker was not ready in time and is killed",
		w.attrs(slog.String(keyState, w.state.String()), slog.Duration(keyTimeout, c.policy.bootTimeout))...)
	switch {
	case !w.loaded:
		c.askWhere(w)
	case w.state == WorkerSpawning:
		c.preloaderKill(key.Origin())
	default:
		c.kill(w, ReasonBootTimeout)
	}
}

// workerLeaving: a worker serves no more, though nobody has asked it to leave. Its exit handlers may take their
// time, so its successor comes at once. One that is young is waited for: its slot may have to wait.
func (c *core) workerLeaving(e workerLeaving) {
	s, w := c.worker(e.key)
	if w == nil || w.state != WorkerReady || e.served == 0 && c.now-w.since < youngLife {
		return
	}
	w.reason = ReasonLeft
	c.moveWorker(w, WorkerDraining)
	c.do(setTimer{timer{timerWorkerDrain, w.key}, c.policy.drainTimeout})
	c.log(slog.LevelInfo, "worker leaves by itself", w.attrs()...)
	c.vacate(s)
	c.fill()
}

// workerExited: a worker is gone and reaped.
func (c *core) workerExited(e workerExited) {
	s, w := c.worker(e.key)
	if w == nil {
		return
	}
	if p := c.unloaded(w); p != nil {
		c.firstLoadFailed(s, w, p, c.workerLoadError(w, e))
		return
	}
	attrs := w.attrs(slog.String(keyExit, e.exit.String()), slog.Uint64(keyServed, e.served))
	if w.leaving() && !w.reason.failure() {
		level := slog.LevelInfo
		if w.reason.renewal() {
			if e.exit == (ident.ExitStatus{}) {
				level = slog.LevelDebug // it is routine
			}
			attrs = append(attrs, slog.String(keyPrivate, megabytes(w.private)))
			c.renewed(w)
		}
		c.log(level, "worker left", append(attrs, slog.String(keyReason, string(w.reason)))...)
		c.bury(s, w, false, 0)
		return
	}
	young := e.served == 0 && w.reason != ReasonLeft && (w.state != WorkerReady || c.now-w.since < youngLife)
	reason := ReasonCrashed
	if e.failed != nil {
		reason = ReasonBootFailed
		attrs = append(attrs, slog.Any(keyError, failureError(e.failed.Error)))
	}
	if w.reason != "" && (w.reason != ReasonLeft || e.exit == ident.ExitStatus{}) {
		reason = w.reason
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
func (c *core) loseSpawning(origin ident.Origin) {
	for _, s := range c.slots {
		for _, w := range append([]*worker(nil), s.workers...) {
			if w.pid == 0 && w.key.Origin() == origin {
				c.log(slog.LevelWarn, "worker was lost", w.attrs(slog.String(keyReason, string(ReasonLost)))...)
				c.do(forgetWorker{w.key, true})
				c.bury(s, w, false, 0)
			}
		}
	}
}

func seconds(d time.Duration) float64 { return float64(d.Milliseconds()) / 1000 }
