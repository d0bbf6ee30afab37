package core

import (
	"cmp"
	"slices"
	"time"

	"launcher/preforker/ident"
)

// A worker whose private memory comes near the budget is replaced by a fork: the roll's way, a
// successor first and then a drain, but within its generation. One at a time, so that
// the sum of all stays below preloader + workers * budget while it happens.

const (
	// leaverTime is for how long the next replacement waits for a worker that was replaced
	// to finish its request. Longer ones must not hold up the others.
	leaverTime = time.Second
	// firstReplacement is what a replacement is thought to take until one has been seen.
	firstReplacement = 100 * time.Millisecond
	// earlyServices is how many workers in a row that were replaced early tell that it was no single request.
	earlyServices = 3
	// maxExamples is how many workers a budget is chosen from.
	maxExamples = 3
)

// budget is what the core knows about memory.
type budget struct {
	bytes     uint64        // of a worker; 0: not known yet, or no bound
	learned   ident.Origin  // whose workers it was chosen from; none, or of one before that which all workers are of: it is provisional
	examples  int           // how many of them
	minServed uint64        // requests that a worker serves at least
	early     int           // workers in a row that were replaced early
	oversized int           // workers in a row that were replaced early and far above it
	needed    uint64        // what the least of these had
	usual     uint64        // what workers in a row needed for their first requests, far above the budget; 0: no such need
	took      time.Duration // a replacement, from the choice to the end of the old worker
	preloader uint64
	launcher  uint64
	told      [3]uint64 // preloader, budget and total, in MB, as they were last told
}

func newBudget(p Policy) budget {
	return budget{bytes: p.Renewal.Budget.Bytes, minServed: MinService, took: firstReplacement}
}

// renews says whether workers are replaced by forks of the same generation.
func (c *Core) renews() bool { return !c.direct() && c.policy.Renewal.renews() }

// replaces says whether there is any reason for which a worker makes room for another one of the same generation.
func (c *Core) replaces() bool { return c.renews() || c.policy.Limits.MaxAge > 0 || c.recycling }

// watch has a worker measured from now on.
func (c *Core) watch(w *worker) {
	if w.early && c.policy.Limits.Memory == 0 {
		return
	}
	c.do(WatchWorker{w.key})
	if w.early {
		return
	}
	c.age(w)
	w.maxServed = c.policy.Renewal.MaxRequests
	w.maxServed -= uint64(c.random() * float64(w.maxServed) / 8) // those that start together do not leave together
}

// workersMeasured takes what has changed of workers since they were last measured.
func (c *Core) workersMeasured(e WorkersMeasured) {
	for _, m := range e.Workers {
		s, w := c.worker(m.Key)
		if w != nil && w.state == SpareWorker {
			w.private = m.Private
		}
		if w == nil || w.state != ReadyWorker {
			continue // it left meanwhile, or is about to
		}
		w.measured(c.now, m)
		c.noteAnswers(w, m.Errors, m.Sound)
		c.learn(w)
		if m.Served > 0 {
			c.workerSound(s, w)
		}
	}
	c.noticeDemand()
	c.judge()
	c.fill()
	for _, m := range e.Workers {
		c.checkMemory(m)
	}
}

// measured takes a measurement. What the first requests write, most of what a worker ever
// has, says nothing about how it will grow.
func (w *worker) measured(now time.Duration, m Measurement) {
	if m.Served > w.served {
		w.answered = now
	}
	if m.Served > w.served || m.Busy || w.busy {
		w.used = now
	}
	w.served, w.busy = m.Served, m.Busy
	if m.Runnable > 0 {
		w.runnable, w.at = m.Runnable, now
	}
	switch {
	case w.served < MinService:
	case w.settled == 0:
		w.settled, w.settledAt = m.Private, now
	case w.served >= provenService && m.Private != w.private && now > w.settledAt:
		w.growth = float64(m.Private-min(w.settled, m.Private)) / (now - w.settledAt).Seconds()
	}
	w.private = m.Private
}

// renew begins the next replacement, if one is due and none is under way. When the workers have
// more than the bound, as many at once as there are CPUs, but then a roll that waits could wait for ever.
func (c *Core) renew() {
	if source := c.newestSource(); !c.replaces() || c.phase != PhaseRunning || source.preparing {
		return
	}
	atOnce := 1
	if !c.direct() && c.beyondBound() && !c.rollWaits() {
		atOnce = max(atOnce, c.policy.LoadsAtOnce)
	}
	for c.startingSuccessors()+c.leavers() < atOnce && c.mayBegin() {
		s, reason := c.mostDue()
		if s == nil {
			return
		}
		w := s.serving()
		if reason == ReasonOverBudget && w.renewal == "" && c.adjustBudget(w) {
			continue
		}
		if w.renewal == "" { // else its first successor did not come up
			w.chosen = c.now
		}
		w.renewal = reason
		c.spawn(s, c.provenSource())
	}
}

// startingSuccessors counts the slots in which a successor starts beside a worker that serves.
func (c *Core) startingSuccessors() (n int) {
	for _, s := range c.slots {
		starting, serving := 0, 0
		for _, w := range s.workers {
			switch w.state {
			case SpawningWorker, BootingWorker:
				starting++
			case ReadyWorker:
				serving++
			}
		}
		if starting > 0 && serving > 0 {
			n++
		}
	}
	return n
}

// leavers counts the workers that were replaced a moment ago and still hold their memory.
func (c *Core) leavers() (n int) {
	for _, s := range c.slots {
		for _, w := range s.workers {
			if w.leaving() && w.reason.Renewal() && c.now-w.since < leaverTime {
				n++
			}
		}
	}
	return n
}

func (c *Core) beyondBound() bool {
	each := c.bound()
	sum, bound := uint64(0), each*uint64(c.maxWorkers())
	for _, w := range c.all() {
		sum += w.private
		bound += c.boundOf(w) - min(each, c.boundOf(w))
	}
	return each > 0 && sum > bound
}

// mostDue is the slot whose worker is to be replaced first, where that is to begin now. Those
// that pass the budget soon wait for each other, so the third of them begins when
// there is time left for three.
func (c *Core) mostDue() (*slot, Reason) {
	type candidate struct {
		slot *slot
		left time.Duration
	}
	var soon []candidate
	for _, s := range c.slots {
		if w := s.serving(); w != nil && c.renewable(s, w) {
			switch {
			case w.recycles:
				return s, ReasonRecycled
			case c.tooOld(w):
				return s, ReasonTooOld
			case c.direct():
				continue
			case w.maxServed > 0 && w.served >= w.maxServed:
				return s, ReasonManyRequests
			}
			if left, near := c.timeLeft(w); near {
				soon = append(soon, candidate{s, left})
			}
		}
	}
	slices.SortStableFunc(soon, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(a.left, b.left), cmp.Compare(b.slot.serving().private, a.slot.serving().private))
	})
	for place, next := range soon {
		if next.left <= time.Duration(place+1)*c.budget.took+2*c.policy.MeasurePeriod {
			return soon[0].slot, ReasonOverBudget
		}
	}
	return nil, ""
}

// renewable says whether a worker may be replaced from its own generation now: by a preloader whose
// workers are known to serve. One that an
// already proven newer generation follows is left to the roll, which begins with those
// that are due; while a newer one fails to come up, the slot waits for that alone. Where an
// older worker of the slot still finishes its request, a third would cost as much again.
func (c *Core) renewable(s *slot, w *worker) bool {
	source := c.provenSource()
	return w.state == ReadyWorker && !w.early && len(s.workers) == 1 && (s.retryAt <= c.now || s.failed > w.key.Generation) &&
		source != nil && source.proven && source.origin.Generation == w.key.Generation
}

// timeLeft is how long it takes a worker to pass the budget, growing as it last did. A worker
// that is not near it has more time than anybody can tell.
func (c *Core) timeLeft(w *worker) (left time.Duration, near bool) {
	bound := c.boundOf(w)
	if c.oversized(w) {
		return 0, true
	}
	if bound == 0 || w.served < c.leastService(w) || w.private < bound-bound/4 {
		return 0, false
	}
	if c.budget.minServed > MinService && c.now-w.since < minServiceTime {
		return 0, false
	}
	// What a request writes comes in pieces: the last 32nd is as good as passed.
	room := bound - min(w.private, bound)
	switch {
	case room <= bound/32:
		return 0, true
	case w.growth == 0:
		return 0, false
	}
	seconds := min(float64(room)/w.growth, time.Hour.Seconds())
	return time.Duration(seconds * float64(time.Second)), true
}

// leastService is how many requests a worker serves before it is replaced, however small its budget is. Seeds are reforked before they
// have served so many: where the first requests need more than the budget the other slots would never be filled else.
func (c *Core) leastService(w *worker) uint64 {
	if p := c.seeding(); p != nil && w.key.Origin() == p.origin {
		return maxService
	}
	return c.budget.minServed
}

// adjustBudget sees how many requests a worker has served that is to go. A chosen budget that was
// used up too early several times grows; true is returned where it has grown so far that the worker may
// stay. A given one stands, but workers serve longer: a budget below what an
// application needs at all must not keep the machine forking.
func (c *Core) adjustBudget(w *worker) bool {
	if c.oversized(w) {
		c.adjustOversized(w)
		return false
	}
	b := &c.budget
	auto, highest := c.policy.Renewal.Budget.Auto && c.learned() && !b.learned.Before(w.key.Origin()), c.maxBudget()
	early := b.minServed + b.minServed/2
	if auto && b.bytes < highest {
		early = AimedService / 2
	}
	if w.served >= early && w.settled < c.boundOf(w) {
		b.early = 0
		b.forgetOversized()
		return false
	}
	if b.early++; b.early < earlyServices {
		return false
	}
	b.early = 0
	if auto && b.bytes < highest {
		b.bytes = clampBudget(b.bytes+b.bytes/8, highest)
		c.tellMemoryBound()
		_, near := c.timeLeft(w)
		return !near
	}
	if b.minServed < maxService {
		b.minServed *= 2
		c.tooSmall(w)
	}
	return false
}

func (c *Core) tooSmall(w *worker) {
	c.do(BudgetTooSmall{Served: w.served, Private: w.private, Each: c.boundOf(w), Sensible: clampBudget(w.private+w.private/4, w.private*2)})
}

// measureReplacement takes the time that a replacement took.
func (c *Core) measureReplacement(w *worker) {
	c.budget.took = (3*c.budget.took + min(c.now-w.chosen, leaverTime)) / 4
}

// overdue says whether a worker is past its budget, or has served its number of requests.
func (c *Core) overdue(w *worker) bool {
	if bound := c.boundOf(w); bound > 0 && w.private >= bound {
		return true
	}
	return w.maxServed > 0 && w.served >= w.maxServed
}
