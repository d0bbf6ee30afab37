package core

import "launcher/preforker/ident"

// What a worker may have is chosen from what workers of its own preloader, or of an older one, have turned out to need.

// learned says whether the budget was chosen with workers in view, of the preloader whose workers serve all slots or a newer one.
func (c *Core) learned() bool {
	b := &c.budget
	return b.learned != ident.Origin{} && !b.learned.Before(c.announced)
}

// preloaderMeasured comes once for each preloader, when all workers are of it.
func (c *Core) preloaderMeasured(e PreloaderMeasured) {
	if e.Origin != c.announced {
		return
	}
	c.budget.preloader, c.budget.launcher = e.Preloader, e.Launcher
	c.budget.minServed, c.budget.early = MinService, 0 // another release may need less
	c.budget.forgetOversized()
	if c.policy.Renewal.Budget.Auto && !c.learned() {
		c.budget.bytes = max(provisional(e.Preloader, c.maxBudget()), c.budget.chosen())
	}
	c.tellMemoryBound()
	c.keepSpare() // there may be room for one
}

func (c *Core) maxBudget() uint64 {
	workers := len(c.slots)
	if c.policy.Spare == SpareOne {
		workers = c.maxWorkers()
	}
	highest := maxBudget(c.budget.preloader, c.policy.MemoryLimit, workers)
	if limit := c.policy.Limits.Memory; limit > 0 {
		return min(highest, limit-limit/4) // what a fork can prevent should not end a request
	}
	return highest
}

// learn chooses the budget from the largest of the first workers of a generation that have served for as
// long as their successors shall. One alone may have had easy requests, but where few requests come
// there is only one. What its first requests wrote a fork would write again, so where that is nearly all
// the budget leaves room above it: a short service would save nothing.
func (c *Core) learn(w *worker) {
	b := &c.budget
	if !c.policy.Renewal.Budget.Auto || b.preloader == 0 || w.sampled || w.early || w.served < AimedService || w.key.Origin().Before(b.learned) {
		return
	}
	w.sampled = true
	bytes := clampBudget(max(w.private, w.settled+w.settled/4), c.maxBudget())
	switch {
	case b.learned.Before(w.key.Origin()):
		b.learned, b.examples, b.bytes = w.key.Origin(), 1, bytes
	case b.examples < maxExamples:
		b.examples++
		b.bytes = max(b.bytes, bytes)
	}
	c.tellMemoryBound()
}

// chosen is what was chosen so far, with whatever workers in view; 0: nothing was.
func (b *budget) chosen() uint64 {
	if b.learned == (ident.Origin{}) {
		return 0
	}
	return b.bytes
}

// boundOf is what a worker may have now. What was learned from workers of an older preloader is no bound for it: forks of a warm
// worker share nearly all that they need, and those of a release that has just loaded have yet to build it. They would be
// replaced before they have served for long enough to be learned from, or to be reforked.
func (c *Core) boundOf(w *worker) uint64 {
	if c.policy.Renewal.Budget.Auto && c.learned() && c.budget.learned.Before(w.key.Origin()) {
		return c.maxBudget()
	}
	return c.bound()
}

// bound is what a worker may have that comes from no newer preloader than was learned from. Before anything was learned the
// provisional budget is no reason to replace anybody; what no application may have is.
func (c *Core) bound() uint64 {
	if c.policy.Renewal.Budget.Auto && !c.learned() {
		if c.budget.preloader == 0 {
			return 0
		}
		return c.maxBudget()
	}
	return c.budget.bytes
}

// tellMemoryBound tells what all processes together have at most, where that has changed.
func (c *Core) tellMemoryBound() {
	b := &c.budget
	bound := c.memoryBound()
	if bound == nil {
		return
	}
	told := [...]uint64{megabytes(b.preloader), megabytes(b.bytes), megabytes(bound.Total)}
	c.do(SetBudget{c.bound()})
	if told == b.told {
		return
	}
	b.told = told
	c.do(MemoryBoundChanged{Generation: c.announced.Generation, Bound: *bound})
}

func (b *budget) total(workers int) uint64 { return b.preloader + uint64(workers)*b.bytes + b.launcher }

// megabytes rounds as those do who print it.
func megabytes(bytes uint64) uint64 { return (bytes + bytesPerMB/2) / bytesPerMB }
