package preforker

import (
	"cmp"
	"fmt"
	"log/slog"
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
	// shortLives is how many in a row tell that it was no single greedy request.
	shortLives = 3
	// mostExamples is how many workers a budget is chosen from.
	mostExamples = 3
)

// budget is what the core knows about memory.
type budget struct {
	bytes     uint64        // of a worker; 0: not known yet, or no bound
	learned   ident.Origin  // whose workers it was chosen from; none: it is provisional
	examples  int           // how many of them
	life      uint64        // requests that a worker serves at least
	short     int           // lives in a row that the budget has cut short
	swollen   int           // lives in a row that ended early and far above it
	needed    uint64        // what the least of these had
	usual     uint64        // what workers in a row needed for their first requests, far above the budget; 0: no such need
	took      time.Duration // a replacement, from the choice to the end of the old worker
	preloader uint64
	launcher  uint64
	told      string // the promise, as it was last logged
}

func newBudget(p policy) budget {
	return budget{bytes: p.renewal.Budget.Bytes, life: leastLife, took: firstReplacement}
}

// renews says whether workers are replaced by forks of the same generation.
func (c *core) renews() bool { return !c.direct() && c.policy.renewal.renews() }

// learned says whether the budget was chosen with workers in view.
func (c *core) learned() bool { return c.budget.learned != ident.Origin{} }

// measures says whether anybody wants to know what workers have and serve.
func (c *core) measures() bool { return c.renews() || c.reforks() }

// watch has a worker measured from now on.
func (c *core) watch(w *worker) {
	if !c.measures() {
		return
	}
	w.life = c.policy.renewal.MaxRequests
	w.life -= uint64(c.random() * float64(w.life) / 8) // those that start together do not leave together
	c.do(watchWorker{w.key})
}

// preloaderMeasured comes once for each generation, when all of its workers serve.
func (c *core) preloaderMeasured(e preloaderMeasured) {
	if e.origin != c.announced {
		return
	}
	c.budget.preloader, c.budget.launcher = e.preloader, e.launcher
	c.budget.life, c.budget.short = leastLife, 0 // another release may need less
	c.budget.forgetSwollen()
	if c.policy.renewal.Budget.Auto && !c.learned() {
		c.budget.bytes = provisional(e.preloader, c.mostBudget())
	}
	c.promise()
}

func (c *core) mostBudget() uint64 {
	return mostBudget(c.budget.preloader, c.policy.memoryLimit, len(c.slots))
}

// workersMeasured: what changed since the last look at them.
func (c *core) workersMeasured(e workersMeasured) {
	for _, m := range e.workers {
		_, w := c.worker(m.key)
		if w == nil || w.state != WorkerReady {
			continue // it left meanwhile, or is about to
		}
		w.measured(c.now, m)
		c.learn(w)
	}
	c.fill()
}

// measured takes a measurement. What the first requests write, most of what a worker ever
// has, says nothing about how it will grow.
func (w *worker) measured(now time.Duration, m measurement) {
	w.served = m.served
	switch {
	case w.served < leastLife:
	case w.base == 0:
		w.base, w.based = m.private, now
	case w.served >= provenLife && m.private != w.private && now > w.based:
		w.growth = float64(m.private-min(w.base, m.private)) / (now - w.based).Seconds()
	}
	w.private = m.private
}

// learn chooses the budget from the largest of the first workers of a generation that have lived for as
// long as their successors shall. One alone may have had an easy life, but where few requests come
// there is only one. What its first requests wrote a fork would write again, so where that is nearly all
// the budget leaves room above it: a short life would save nothing.
func (c *core) learn(w *worker) {
	b := &c.budget
	if !c.policy.renewal.Budget.Auto || b.preloader == 0 || w.example || w.served < aimedLife || w.key.Origin().Before(b.learned) {
		return
	}
	w.example = true
	bytes := clampBudget(max(w.private, w.base+w.base/4), c.mostBudget())
	switch {
	case b.learned.Before(w.key.Origin()):
		b.learned, b.examples, b.bytes = w.key.Origin(), 1, bytes
	case b.examples < mostExamples:
		b.examples++
		b.bytes = max(b.bytes, bytes)
	}
	c.promise()
}

// bound is what a worker may have now. Before anything was learned the provisional
// budget is no reason to replace anybody; what no application may have is.
func (c *core) bound() uint64 {
	if c.policy.renewal.Budget.Auto && !c.learned() {
		if c.budget.preloader == 0 {
			return 0
		}
		return c.mostBudget()
	}
	return c.budget.bytes
}

// promise logs what all processes together have at most, where that has changed.
func (c *core) promise() {
	b := &c.budget
	if b.bytes == 0 || b.preloader == 0 {
		return
	}
	total := b.total(len(c.slots))
	told := fmt.Sprint(megabytes(b.preloader), megabytes(b.bytes), megabytes(total))
	c.do(setBudget{c.bound()})
	if told == b.told {
		return
	}
	b.told = told
	c.log(slog.LevelInfo, "memory at most: preloader + workers * each + launcher", slog.Int(keyGeneration, c.announced.Generation),
		slog.String(keyPreloader, megabytes(b.preloader)), slog.Int(keyWorkers, len(c.slots)),
		slog.String(keyEach, megabytes(b.bytes)), slog.String(keyLauncher, megabytes(b.launcher)),
		slog.String(keyTotal, megabytes(total)))
}

func (b *budget) total(workers int) uint64 { return b.preloader + uint64(workers)*b.bytes + b.launcher }

// megabytes counts as free -m does.
func megabytes(bytes uint64) string {
	return fmt.Sprintf("%d MB", (bytes+bytesPerMB/2)/bytesPerMB)
}

// renew begins the next replacement, if one is due and none is under way. When the workers have
// more than was promised, as many at once as there are CPUs.
func (c *core) renew() {
	if !c.renews() || c.phase != phaseRunning {
		return
	}
	most := 1
	if c.beyondPromise() {
		most = max(most, c.policy.loadsAtOnce)
	}
	for c.comingUp()+c.leavers() < most && c.mayBegin() {
		s, reason := c.mostDue()
		if s == nil {
			return
		}
		w := s.serving()
		if reason == ReasonOverBudget && w.renewal == "" && c.lived(w) {
			continue
		}
		if w.renewal == "" { // else its first successor did not come up
			w.chosen = c.now
		}
		w.renewal = reason
		c.spawn(s, c.provenSource())
	}
}

// comingUp counts the slots in which a successor starts beside a worker that serves.
func (c *core) comingUp() (n int) {
	for _, s := range c.slots {
		starting, serving := 0, 0
		for _, w := range s.workers {
			switch w.state {
			case WorkerSpawning, WorkerBooting:
				starting++
			case WorkerReady:
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
func (c *core) leavers() (n int) {
	for _, s := range c.slots {
		for _, w := range s.workers {
			if w.leaving() && w.reason.renewal() && c.now-w.since < leaverTime {
				n++
			}
		}
	}
	return n
}

func (c *core) beyondPromise() bool {
	var sum uint64
	for _, s := range c.slots {
		for _, w := range s.workers {
			sum += w.private
		}
	}
	bound := c.bound()
	return bound > 0 && sum > bound*uint64(len(c.slots))
}

// mostDue is the slot whose worker is to be replaced first, where that is to begin now. Those
// that pass the budget soon wait for each other, so the third of them begins when
// there is time left for three.
func (c *core) mostDue() (*slot, Reason) {
	type candidate struct {
		slot *slot
		left time.Duration
	}
	var soon []candidate
	for _, s := range c.slots {
		if w := s.serving(); w != nil && c.renewable(s, w) {
			if w.life > 0 && w.served >= w.life {
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
		if next.left <= time.Duration(place+1)*c.budget.took+2*measurePeriod {
			return soon[0].slot, ReasonOverBudget
		}
	}
	return nil, ""
}

// renewable says whether a worker may be replaced from its own generation now. One that an
// already proven newer generation follows is left to the roll, which begins with those
// that are due; while a newer one fails to come up, the slot waits for that alone. Where an
// older worker of the slot still finishes its request, a third would cost as much again.
func (c *core) renewable(s *slot, w *worker) bool {
	source := c.provenSource()
	return w.state == WorkerReady && len(s.workers) == 1 && (s.retryAt <= c.now || s.failed > w.key.Generation) &&
		source != nil && source.origin.Generation == w.key.Generation
}

// timeLeft is how long it takes a worker to pass the budget, growing as it last did. A worker
// that is not near it has more time than anybody can tell.
func (c *core) timeLeft(w *worker) (left time.Duration, near bool) {
	bound := c.bound()
	if c.swollen(w) {
		return 0, true
	}
	if bound == 0 || w.served < c.budget.life || w.private < bound-bound/4 {
		return 0, false
	}
	if c.budget.life > leastLife && c.now-w.since < leastAge {
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

// lived looks at how many requests a worker that is to go has lived for. A chosen budget that was
// used up too early several times grows; it answers true where it has grown so far that the worker may
// stay. A given one stands, but lives become longer: a budget below what an
// application needs at all must not keep the machine forking.
func (c *core) lived(w *worker) bool {
	if c.swollen(w) {
		c.livedSwollen(w)
		return false
	}
	b := &c.budget
	auto, most := c.policy.renewal.Budget.Auto && c.learned(), c.mostBudget()
	short := b.life + b.life/2
	if auto && b.bytes < most {
		short = aimedLife / 2
	}
	if w.served >= short && w.base < c.bound() {
		b.short = 0
		b.forgetSwollen()
		return false
	}
	if b.short++; b.short < shortLives {
		return false
	}
	b.short = 0
	if auto && b.bytes < most {
		b.bytes = clampBudget(b.bytes+b.bytes/8, most)
		c.promise()
		_, near := c.timeLeft(w)
		return !near
	}
	if b.life < mostLife {
		b.life *= 2
		c.tooSmall(w)
	}
	return false
}

func (c *core) tooSmall(w *worker) {
	c.log(slog.LevelWarn, "the budget of a worker is too small to be kept: its first requests need more (raise --max-private)",
		slog.Uint64(keyServed, w.served), slog.String(keyPrivate, megabytes(w.private)), slog.String(keyEach, megabytes(c.bound())),
		slog.String(keySensible, megabytes(clampBudget(w.private+w.private/4, w.private*2))))
}

// renewed takes the time that a replacement took.
func (c *core) renewed(w *worker) {
	c.budget.took = (3*c.budget.took + min(c.now-w.chosen, leaverTime)) / 4
}

// pressing says whether a worker is past its budget, or has served its number of requests.
func (c *core) pressing(w *worker) bool {
	if bound := c.bound(); bound > 0 && w.private >= bound {
		return true
	}
	return w.life > 0 && w.served >= w.life
}
