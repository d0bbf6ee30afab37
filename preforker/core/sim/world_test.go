package sim

import (
	"math/rand/v2"
	"time"

	"launcher/preforker/core"
	"launcher/preforker/ident"
)

// world answers the actions of a core as the supervisor and its processes would, on a clock of its own. What the
// supervisor does between the two (who is known, who is followed, which socket is bound) is done here in the
// same way, so that only events come that can come.
type world struct {
	c      *core.Core
	policy core.Policy
	*choices
	check *checker
	now   time.Duration
	queue queue
	draw  func() float64                                               // what the core draws from
	watch func(now time.Duration, e core.Event, actions []core.Action) // sees each step, or nil

	workers    map[ident.Key]*worker // as the supervisor knows them
	preloaders map[ident.Origin]*preloader
	processes  []*worker // also those that it does not know any more
	slots      int       // at first
	bound      []bool    // by slot: its socket is there
	awaited    []bool    // by slot: a connection that waits there is to be told
	bad        []badness // by generation
	nextBad    badness
	poisoned   []bool        // by slot: somebody repeats a request there that kills
	barren     []bool        // by slot: no worker comes up there until the faults end
	cpu        time.Duration // that a process has had when it ends
	pids       int
	restarted  int // the generation that an operator has given up

	faults   int // one thing in so many goes wrong; 0: none
	calm     bool
	rush     bool // whoever has served a request has another one
	stopping bool
	stopped  time.Duration // since when
	finished bool
	steps    int
	still    int // things that have happened since time has passed
}

// badness is what is wrong with the code of a generation.
type badness int

const (
	sound badness = iota
	failsToLoad
	diesInBoot
	diesInFirstRequest
	hangsInLoad
	hangsInBoot
	answersBadly  // what is forked from a worker that has served
	answersErrors // to each request
	failsProbe    // and nothing else
	badnesses
)

func newWorld(ch *choices) *world {
	w := &world{choices: ch, workers: map[ident.Key]*worker{}, preloaders: map[ident.Origin]*preloader{}}
	slots := []int{2, 1, 3, 4, 6, 12}[ch.below(6)]
	w.slots, w.policy = slots, drawPolicy(ch)
	w.faults = []int{0, 50, 15, 6, 3}[ch.below(5)]
	random := rand.New(rand.NewPCG(uint64(ch.below(1000)), 1))
	w.draw = random.Float64
	w.c = core.New(slots, w.policy, func() float64 { return w.draw() })
	w.check = newChecker(slots, w.policy)
	w.bound, w.awaited = make([]bool, slots), make([]bool, slots)
	for slot := range w.bound {
		w.bound[slot] = true
	}
	w.bad = []badness{sound}
	w.poisoned = make([]bool, slots)
	if slots > 1 && ch.oneIn(16) {
		for slot := range 1 + ch.below(slots-1) {
			w.poisoned[slot] = true
		}
	}
	w.barren = make([]bool, slots)
	if ch.oneIn(8) {
		for slot := range 1 + ch.below(slots) {
			w.barren[slot] = true
		}
	}
	w.cpu = []time.Duration{0, 10 * time.Millisecond, 300 * time.Millisecond, 4 * time.Second}[ch.below(4)]
	return w
}

// fault says whether something goes wrong now.
func (w *world) fault() bool { return !w.calm && w.oneIn(w.faults) }

func (w *world) after(wait time.Duration, do func()) {
	w.queue.push(item{at: w.now + wait, do: do})
}

func (w *world) post(wait time.Duration, e core.Event) {
	w.queue.push(item{at: w.now + wait, event: e})
}

// next lets happen what happens next, and says whether there was anything.
func (w *world) next() bool {
	if len(w.queue.items) == 0 || w.finished || w.check.problem != "" {
		return false
	}
	item := w.queue.pop()
	w.passes(item.at)
	if item.do != nil {
		item.do()
	} else {
		w.deliver(item.event)
	}
	return true
}

// passes lets time pass, and fails where so much happens that none does.
func (w *world) passes(now time.Duration) {
	w.still++
	if now > w.now {
		w.still = 0
	}
	if w.still > maxStill {
		w.check.fail("it does not come to rest")
	}
	w.now = now
}

// maxStill is how many things may happen at the same time.
const maxStill = 2000

// deliver takes one event through the core, as Supervisor.handle does.
func (w *world) deliver(e core.Event) {
	queue := []core.Event{e}
	for len(queue) > 0 {
		next := w.translate(queue[0])
		queue = queue[1:]
		if next == nil {
			continue
		}
		w.steps++
		actions := w.c.Step(w.now, next)
		if w.steps%viewed == 0 {
			w.c.View(w.now) // at any time
		}
		if w.watch != nil {
			w.watch(w.now, next, actions)
		}
		w.check.step(w.now, next, actions)
		for _, a := range actions {
			if failed := w.perform(a); failed != nil {
				queue = append(queue, failed)
			}
		}
	}
	w.check.settled()
	if w.finished && len(w.workers)+len(w.preloaders) > 0 {
		w.check.fail("it finishes with %d workers and %d preloaders", len(w.workers), len(w.preloaders))
	}
}

// viewed is how many steps there are between two views of the core.
const viewed = 32

// badOf is what is wrong with a generation.
func (w *world) badOf(generation int) badness {
	for len(w.bad) <= generation {
		w.bad = append(w.bad, w.nextBad)
	}
	return w.bad[generation]
}
