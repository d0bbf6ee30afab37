package core

import (
	"slices"

	"launcher/preforker/ident"
)

// Seeds that can keep up serve all slots alone, for as long as that is so. What is served by older generations they take over.

// leaveToSeeds has the seeds serve all slots for as long as they can keep up. They take over those that an older generation
// still serves.
func (c *Core) leaveToSeeds(p *preloader) {
	switch {
	case c.unparked()-c.forksOf(p) > maxBorrowed: // nobody would serve the others
		c.endSeeding(p, ReasonManySlots)
	case c.readySeeds(p) == 0 || c.loading() != nil && c.olderServe(p) || c.awaitsAnswer(p):
		c.setSeedTime(p, c.policy.SeedTime)
	default:
		p.seedUntil, p.takesOver = untilDemand, true
		c.fill()
	}
}

// olderServe says whether a slot is served by a worker of an older generation.
func (c *Core) olderServe(p *preloader) bool {
	return slices.ContainsFunc(c.slots, func(s *slot) bool {
		w := s.serving()
		return w != nil && w.key.Generation < p.origin.Generation
	})
}

// takeOver has workers leave whose slots the seeds serve from now on: those of older generations, and early ones that no seed has
// taken the place of.
func (c *Core) takeOver() {
	p := c.seeding()
	if p == nil {
		return
	}
	ready := c.readySeeds(p)
	older, early := ready > 0 && p.takesOver && c.loading() == nil, ready >= c.policy.Seeds
	for _, s := range c.slots {
		w := s.serving()
		switch {
		case w == nil || w.state != ReadyWorker || !s.open || c.crowded(s):
			continue
		case older && w.key.Generation < p.origin.Generation:
			c.drain(w, ReasonRolled, false)
		case early && w.key.Generation == p.origin.Generation && c.outgrown(w):
			c.drain(w, ReasonPrepared, false)
		default:
			continue
		}
		c.markVacant(s)
	}
}

// readySeeds counts the workers of a preloader that are ready, but for early ones.
func (c *Core) readySeeds(p *preloader) (n int) {
	for _, w := range c.readyWorkers(p.origin) {
		if !w.early {
			n++
		}
	}
	return n
}

// finishTakeover announces a generation that serves all slots, whoever it is that does, and retires the preloaders of older ones.
func (c *Core) finishTakeover(source *preloader) {
	if !c.servesAll(source) {
		return
	}
	c.announceServed(source.origin.Generation)
	if c.provenSource().origin.Generation != source.origin.Generation {
		return // what it was forked from is gone, and it has not shown that it serves
	}
	for _, older := range slices.Clone(c.preloaders) {
		if older.origin.Generation < source.origin.Generation {
			c.retire(older, ReasonRolled)
		}
	}
}

// servesAll says whether each slot is served by a worker of a preloader's generation, or by one that was lent its socket.
func (c *Core) servesAll(source *preloader) bool {
	lender, lends := c.lender()
	for _, s := range c.slots {
		w := s.serving()
		switch {
		case s.state == ParkedSlot:
		case w != nil && (w.state != ReadyWorker || w.key.Generation != source.origin.Generation):
			return false
		case w == nil && (!lends || lender.Generation != source.origin.Generation || !c.isLentBy(lender, s)):
			return false
		}
	}
	return true
}

// isLent says whether a worker of another slot that is ready serves a slot's socket.
func (c *Core) isLent(s *slot) bool {
	return c.isLentWhere(s, func(*worker) bool { return true })
}

// isLentBy says whether it is a seed of this preloader that does.
func (c *Core) isLentBy(lender ident.Origin, s *slot) bool {
	return c.isLentWhere(s, func(w *worker) bool { return w.key.Origin() == lender })
}

func (c *Core) isLentWhere(s *slot, lends func(*worker) bool) bool {
	return slices.ContainsFunc(c.slots, func(other *slot) bool {
		return slices.ContainsFunc(other.workers, func(w *worker) bool {
			return w.state == ReadyWorker && lends(w) && slices.Contains(w.borrowed, s.number)
		})
	})
}
