package core

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"launcher/preforker/ident"
)

// worker is one process of a slot.
type worker struct {
	key     ident.Key
	binding int // of its slot, whose socket it has
	state   WorkerState
	reason  Reason // of leaving
	pid     int
	since   time.Duration // of its state
	early   bool          // forked before its preloader has prepared what keeps memory shared
	probe   Probe         // what it is asked for before it is ready
	loaded  bool          // the application is there: from the fork on, but with direct spawning

	served        uint64        // requests, as last measured
	private       uint64        // bytes, as last measured
	errors        uint64        // responses with 500 since the last other one, then
	answered      time.Duration // when a response was last seen
	used          time.Duration // when it was last seen to have done something
	busy          bool          // it had a request in hand then
	runnable      time.Duration // for how long it had run, or waited for a CPU, since its fork
	at            time.Duration // when that was so
	settled       uint64        // the first measurement after its first requests
	settledAt     time.Duration // when
	growth        float64       // bytes a second since then
	sampled       bool          // a budget was chosen with it in view
	said          bool          // that it leaves, when it was new
	unfit         bool          // says the application: nothing is to be forked from it
	costly        bool          // a seed that has far more memory than the forks of a warm one
	refusals      int           // how often it had something that nobody must inherit
	maxServed     uint64        // requests after which it leaves; 0: any number
	maxAge        time.Duration // after which it leaves; 0: any
	recycles      bool          // the application wants another one in its place
	limit         Reason        // that it has passed, or ""
	limitRequest  string        // in hand then
	locateBy      time.Duration // until when it is to say where its threads are; 0: it is not asked
	tellBy        time.Duration // the same, for an operator
	renewal       Reason        // why a successor of its own generation was started
	chosen        time.Duration // when, or when one of a refork was
	borrowed      []int         // slots whose sockets it serves besides its own
	lent          bool          // it was lent sockets, maybe others than those slots have now
	given         bool          // it was a spare, and has been given a slot that it does not serve yet
	crashesBefore int           // of workers of its slot, when it was ready
	forkTook      time.Duration // how long its fork took, where it was one without a slot
	successorTook time.Duration // the same of the one that has taken its place
}

func (w *worker) leaving() bool { return w.state.leaving() }

// worker is a worker with its slot, which the spare has none of.
func (c *Core) worker(key ident.Key) (*slot, *worker) {
	if w := c.spare.worker; w != nil && w.key == key {
		return nil, w
	}
	slots := c.slots // for what comes late of one that was a spare
	if key.Slot != ident.NoSlot {
		slots = nil
		if s := c.slotAt(key.Slot); s != nil {
			slots = []*slot{s}
		}
	}
	for _, slots := range [][]*slot{slots, c.removed} {
		for _, s := range slots {
			for _, w := range s.workers {
				if key.Same(w.key) {
					return s, w
				}
			}
		}
	}
	return nil, nil
}

func (c *Core) moveWorker(w *worker, to WorkerState) {
	if err := transition(workerTransitions, &w.state, to); err != nil {
		c.contradict(fmt.Errorf("worker %s: %w", w.key, err))
		return
	}
	w.since = c.now
}

// name is the worker in facts.
func (w *worker) name() WorkerName { return WorkerName{w.key, w.pid} }

func (c *Core) workerSpawned(e WorkerSpawned) {
	_, w := c.worker(e.Key)
	if w == nil {
		return
	}
	w.pid = e.Pid
	c.forked(e.Key.Origin())
	switch w.state {
	case SpawningWorker:
		c.moveWorker(w, BootingWorker)
		c.fill()
	case KillingWorker: // it was to be killed before it had a pid
		c.do(w.killing())
	}
}

// forked notes that a preloader answers spawns.
func (c *Core) forked(origin ident.Origin) {
	if p := c.preloader(origin); p != nil {
		p.forked = c.now
	}
}

// workerSpawnFailed gives up a worker that was not forked. The slot waits as after an early death.
func (c *Core) workerSpawnFailed(e WorkerSpawnFailed) {
	s, w := c.worker(e.Key)
	if w == nil {
		return
	}
	if p := c.loadingGeneration(w); p != nil && w.reason != ReasonUnneeded {
		c.firstLoadFailed(s, w, p, LoadFailure{Generation: p.origin.Generation, StartError: &StartError{Text: e.Failure.Message}})
		return
	}
	c.forked(e.Key.Origin())
	c.do(WorkerNotStarted{Worker: w.name(), Failure: e.Failure})
	c.do(ForgetWorker{w.key, false})
	if s == nil {
		c.removeSpare(w, !w.leaving())
		return
	}
	c.removeWorker(s, w, !w.leaving(), slotBackoff.max)
}

func (c *Core) workerReady(e WorkerReady) {
	s, w := c.worker(e.Key)
	if w == nil {
		return
	}
	w.pid = e.Pid
	switch w.state {
	case SpawningWorker, BootingWorker:
	case KillingWorker: // this may be the first that is heard of its pid
		c.do(w.killing())
		return
	default:
		return // it is leaving already
	}
	if s == nil {
		c.spareReady(w)
		return
	}
	took := c.now - w.since
	c.moveWorker(w, ReadyWorker)
	c.passProbe(w)
	c.awaitProof(w)
	if p := c.preloader(e.Key.Origin()); p != nil && p.origin.Refork == 0 {
		p.proven = true
	}
	c.comesUp(s, w)
	if c.unwanted(s, w) {
		c.drain(w, c.reasonUnwanted(w), false)
		c.fill()
		return
	}
	c.watch(w)
	renewal := false
	for _, older := range s.workers {
		if older == w || older.leaving() {
			continue
		}
		reason := successorReason(older, w)
		if reason.Renewal() {
			renewal = true
			if s.retryAt <= c.now {
				s.deaths = 0 // of successors that did not come up
			}
		}
		older.successorTook = w.forkTook
		c.drain(older, reason, false)
		c.paceAfter(older)
	}
	c.do(WorkerServes{Worker: w.name(), After: took, Renewal: renewal, Spare: w.given})
	w.given = false
	if w.binding == s.binding {
		c.socketBound(s)
	}
	c.leaveLostSocket(s, w)
	c.fill()
}

// drain asks a worker to leave when its request in hand is done. A successor
// serves its socket, or with backlog it empties the queue itself.
func (c *Core) drain(w *worker, reason Reason, backlog bool) {
	w.reason = reason
	if p := c.pendingRefork(w); p != nil {
		p.reason = reason // it may never begin
	}
	c.moveWorker(w, DrainingWorker)
	c.do(DrainWorker{w.key, backlog, c.phase != PhaseStopping && reason.hasSuccessor()})
	c.do(SetTimer{Timer{TimerWorkerDrain, w.key}, c.policy.DrainTimeout})
	if reason == ReasonPrepared {
		c.do(SetTimer{Timer{Kind: TimerPace}, leaverTime}) // for which the next seed waits
	}
}

func (c *Core) kill(w *worker, reason Reason) {
	if w.state == KillingWorker {
		return
	}
	w.reason = reason
	c.moveWorker(w, KillingWorker)
	c.do(w.killing())
}

// killing takes along what a load has started, which is of no use to anybody when the load is
// given up; what a loaded application has started may be.
func (w *worker) killing() KillWorker { return KillWorker{w.key, !w.loaded} }

func (c *Core) workerDrainTimeout(key ident.Key) {
	_, w := c.worker(key)
	if w == nil || w.state != DrainingWorker && !(w.state == ReadyWorker && w.said) {
		return
	}
	if w.reason.patient() && !w.said {
		c.do(WorkerFinishesLate{Worker: w.name(), Reason: w.reason, Timeout: c.policy.DrainTimeout})
		c.fill() // its slot does not wait for it any more
		return
	}
	if w.reason != ReasonBootTimeout { // which was logged when it was asked where it is
		c.do(WorkerDrainTimedOut{Worker: w.name(), Timeout: c.policy.DrainTimeout})
	}
	c.kill(w, cmp.Or(w.reason, ReasonNotLeaving))
}

// workerBootTimeout kills a worker that is not ready. One without a pid was never
// forked: then it is the preloader that does not answer, unless it is only slow, and
// has others to fork before this one.
func (c *Core) workerBootTimeout(key ident.Key) {
	_, w := c.worker(key)
	if w == nil || w.key != key || (w.state != SpawningWorker && w.state != BootingWorker) {
		return
	}
	if p := c.preloader(key.Origin()); w.loaded && w.state == SpawningWorker && p != nil && c.now-p.forked < c.policy.BootTimeout {
		c.do(SetTimer{Timer{TimerWorkerBoot, key}, p.forked + c.policy.BootTimeout - c.now})
		return
	}
	c.do(WorkerBootTimedOut{Worker: w.name(), State: w.state, Timeout: c.policy.BootTimeout})
	switch {
	case !w.loaded:
		c.askWhereItLoads(w)
	case w.state == SpawningWorker:
		c.preloaderKill(key.Origin())
		c.do(SetTimer{Timer{TimerWorkerBoot, key}, c.policy.BootTimeout}) // it may have forked it meanwhile
	default:
		c.kill(w, ReasonBootTimeout)
	}
}

// workerLeaving replaces a worker that serves no more though nobody has asked it to leave. Its exit handlers may take
// their time, so its successor comes at once. One that is new is waited for: its slot may have to wait.
func (c *Core) workerLeaving(e WorkerLeaving) {
	s, w := c.worker(e.Key)
	if w != nil && s == nil {
		c.spareLeaving(w)
		return
	}
	if w != nil && w.given && w.state == BootingWorker {
		c.givenLeaving(s, w)
		return
	}
	if w == nil || w.state != ReadyWorker {
		return
	}
	if e.Served == 0 && c.now-w.since < soundAfter {
		w.said = true
		c.do(SetTimer{Timer{TimerWorkerDrain, w.key}, c.policy.DrainTimeout})
		return
	}
	c.leavesUnasked(w)
	c.markVacant(s)
	c.fill()
}

// leavesUnasked gives a worker that serves no more the time to end that one has which is asked to.
func (c *Core) leavesUnasked(w *worker) {
	w.reason = ReasonLeft
	c.moveWorker(w, DrainingWorker)
	c.do(WorkerLeavesUnasked{Worker: w.name()})
	c.do(SetTimer{Timer{TimerWorkerDrain, w.key}, c.policy.DrainTimeout})
}

// workerExited decides what follows from a worker's end: whether it was asked to leave or has died, and when the next
// one comes.
func (c *Core) workerExited(e WorkerExited) {
	s, w := c.worker(e.Key)
	if w == nil {
		return
	}
	if s == nil {
		c.spareExited(w, e)
		return
	}
	if p := c.loadingGeneration(w); p != nil && w.reason != ReasonUnneeded {
		c.firstLoadFailed(s, w, p, c.workerLoadFailure(w, p, e))
		return
	}
	c.noteAnswers(w, e.Errors, e.Sound)
	if e.Served > 0 || e.Request != "" {
		c.workerSound(s, w)
	}
	if (w.state == ReadyWorker && !w.said || w.limit != "") && e.Request != "" {
		c.noteDeath(w)
	}
	c.noteProbe(w, e)
	finished := w.reason.limit() && e.Exit == ident.ExitStatus{} // its request, in time
	if w.leaving() && (!w.reason.failure() || finished) {
		if w.reason.Renewal() {
			c.measureReplacement(w)
			c.paceAfter(w)
		}
		c.do(WorkerLeft{Worker: w.name(), Reason: w.reason, Exit: e.Exit, Served: e.Served, Request: e.Request, Private: w.private})
		c.judgeAfter(w)
		c.removeWorker(s, w, false, 0)
		return
	}
	early := e.Served == 0 && w.reason != ReasonLeft && !w.spared() && (w.state != ReadyWorker || c.now-w.since < soundAfter)
	c.do(WorkerDied{Worker: w.name(), Reason: deathReason(w, e), Exit: e.Exit, Served: e.Served, Request: e.Request, Failed: e.Failed})
	if !early && !w.given {
		s.deaths = 0
	}
	crashed := early && e.Request == ""
	if !crashed {
		c.workerSound(s, w)
	}
	if crashed {
		c.noteRestartDeath(w)
	}
	left := s.state == ParkedSlot // as it was idle: how it ends says nothing against the slot, where nobody waits for it
	c.noteCrash(s, Death{At: c.now, Worker: w.name(), Reason: deathReason(w, e), Exit: e.Exit, Failed: e.Failed, Request: e.Request, Lines: e.Lines,
		CPU: e.CPU}, crashed && !left)
	maxWait := slotBackoff.max
	if e.Request != "" {
		// It is the request that kills: others, which wait in the socket, may not.
		maxWait = closeAfter
	}
	c.judgeAfter(w)
	c.removeWorker(s, w, early && !left, maxWait)
}

// deathReason says why a worker has ended that should have served on.
func deathReason(w *worker, e WorkerExited) Reason {
	switch {
	case e.OutOfMemory: // also of one that was asked to leave
		return ReasonOutOfMemory
	case w.reason != "" && (w.reason != ReasonLeft || e.Exit == ident.ExitStatus{}):
		return w.reason
	case e.Failed.ofProbe():
		return ReasonProbeFailed
	case e.Failed != nil:
		return ReasonBootFailed
	default:
		return ReasonCrashed
	}
}

// forgetSpawning gives up the workers whose preloader died before it told their
// pids. They are nobody's fault, so their slots do not wait.
func (c *Core) forgetSpawning(origin ident.Origin) {
	for _, s := range slices.Concat(c.slots, c.removed) {
		for _, w := range append([]*worker(nil), s.workers...) {
			if w.pid == 0 && w.key.Origin() == origin {
				c.do(WorkerLost{Worker: w.name(), Reason: ReasonLost})
				c.do(ForgetWorker{w.key, true})
				c.removeWorker(s, w, false, 0)
			}
		}
	}
	if w := c.spare.worker; w != nil && w.pid == 0 && w.key.Origin() == origin {
		c.do(WorkerLost{Worker: w.name(), Reason: ReasonLost})
		c.do(ForgetWorker{w.key, true})
		c.removeSpare(w, false)
	}
}
