package core

import (
	"math"
	"slices"
	"time"

	"launcher/preforker/ident"
)

// A generation grows from seeds: after its load a few workers are forked, which serve the sockets of the slots that have
// none besides their own. What they have served warms them, the next preloader is forked from one of them, and the
// other slots are filled from that one. So no slot is filled twice, and none with a worker that has yet to build what
// requests build. Seeds that all have had a request in hand for a time are not enough: then all slots are filled from the
// preloader that has loaded, as where nothing is reforked. Where the seeds can keep up they serve alone, for as long as that is so.

// maxBorrowed is how many sockets a worker is lent: it has a descriptor for each, and the kernel takes 253 at
// once (SCM_MAX_FD). Who waits at others does so until the slots are filled.
const maxBorrowed = 200

const (
	// maxSeedTimes is how many times as long as its time a generation grows at the most where its seeds are short of CPUs.
	maxSeedTimes = 8
	// fillTime is how long the slots may take to be filled from a proven preloader, while the seeds still serve them. Where
	// requests kill one worker after the other they are never all there.
	fillTime = 10 * time.Second
	// untilDemand is when the time of seeds is over that can keep up.
	untilDemand = math.MaxInt64 * time.Nanosecond
	// runnableShare is the part of their time in which they are, then.
	runnableShare = 0.75
)

// seeds says whether generations grow from seeds at all.
func (c *Core) seeds() bool {
	return c.reforks() && c.policy.Seeds > 0 && c.policy.Seeds < c.filled()
}

// seeding is the preloader of the generation that slots roll to while most of them wait for the one that is forked from its
// seeds, or nil.
func (c *Core) seeding() *preloader {
	source := c.newestSource()
	if source == nil {
		return nil
	}
	p := c.preloader(ident.Origin{Generation: source.origin.Generation})
	if p == nil || !p.seeding || p.state != ReadyPreloader {
		return nil
	}
	return p
}

// isSeed says whether a worker was forked from the preloader that another one was reforked from, and stays where
// the slots are filled from that one.
func (c *Core) isSeed(w *worker, source *preloader) bool {
	return !w.costly && !w.early && source.seededBy == w.key.Origin() && source.seededBy != ident.Origin{}
}

// waitsForSeed says whether an empty slot, or one that an older generation serves, is not to be filled from source yet.
func (c *Core) waitsForSeed(source *preloader) bool {
	p := c.seeding()
	switch {
	case source.preparing:
		return c.forksOf(source) >= c.policy.Early && source == c.newestSource()
	case p == nil || source.origin.Generation != p.origin.Generation:
		return false
	case source == p:
		return c.forksOf(p) >= c.policy.Seeds
	default: // the first fork of the reforked one shows what it can do
		return !source.proven && c.forksOf(source) > 0
	}
}

// forksOf counts the slots that workers of a preloader serve, or are about to, and are not to make room.
func (c *Core) forksOf(p *preloader) (n int) {
	for _, s := range c.slots {
		if slices.ContainsFunc(s.workers, func(w *worker) bool { return !w.leaving() && w.key.Origin() == p.origin && !c.outgrown(w) }) {
			n++
		}
	}
	return n
}

// beginSeeding has a generation that has just loaded grow from seeds, where any does.
func (c *Core) beginSeeding(p *preloader) {
	if c.seeds() {
		p.seeding = true
		c.setSeedTime(p, c.policy.SeedTime)
	}
}

func (c *Core) setSeedTime(p *preloader, after time.Duration) {
	p.seedUntil = c.now + after
	c.do(SetTimer{Timer{TimerSeed, p.key()}, after})
}

// noticeDemand notes since when all seeds have a request in hand, and has their time begin.
func (c *Core) noticeDemand() {
	p := c.seeding()
	switch {
	case p == nil:
	case !c.allBusy(p):
		p.pressed = false
	case !p.pressed:
		p.pressed, p.pressedSince = true, c.now
		p.seedLast = c.now + maxSeedTimes*c.policy.SeedTime
		if p.seedUntil == untilDemand {
			c.setSeedTime(p, c.policy.SeedTime)
		}
	}
}

// allBusy says whether every ready worker of a preloader has a request in hand, as last measured.
func (c *Core) allBusy(p *preloader) bool {
	ready := c.readyWorkers(p.origin)
	return len(ready) > 0 && !slices.ContainsFunc(ready, func(w *worker) bool { return !w.busy })
}

// seedTimeout fills the slots as where nothing is reforked, when the seeds were busy all the time. A preloader that is being forked
// from a seed gets as much time again, seeds that are short of CPUs some more, and a newer generation that loads as much as this
// one has needed, twice: else each slot would be filled twice.
func (c *Core) seedTimeout(origin ident.Origin) {
	p := c.preloader(origin)
	switch {
	case p == nil || !p.seeding || c.now < p.seedUntil || c.phase != PhaseRunning:
	case c.seeding() != p:
		c.endSeeding(p, ReasonSuperseded)
	case !p.pressed:
		c.leaveToSeeds(p)
	case c.now < p.pressedSince+c.policy.SeedTime:
		c.setSeedTime(p, p.pressedSince+c.policy.SeedTime-c.now)
	case !p.seedExtended && c.reforkOfSeeds(p) != nil:
		p.seedExtended = true
		c.setSeedTime(p, c.policy.SeedTime)
	case c.holdsForLoad(p):
		c.setSeedTime(p, c.policy.SeedTime)
	case c.now < p.seedLast && c.shortOfCPUs(p):
		c.setSeedTime(p, c.policy.SeedTime)
	default:
		c.endSeeding(p, ReasonSeedTime)
	}
}

// reforkOfSeeds is the preloader that is forked from a seed, until it has shown that its workers serve, or nil.
func (c *Core) reforkOfSeeds(p *preloader) *preloader {
	return c.newest(func(other *preloader) bool {
		return other.seededBy == p.origin && !other.proven && other.state != RetiringPreloader
	})
}

// shortOfCPUs says whether the seeds have run, or have waited for a CPU, nearly all the time: there is one of them for each CPU, so
// more workers would serve no more.
func (c *Core) shortOfCPUs(p *preloader) bool {
	var runnable, all time.Duration
	for _, w := range c.readyWorkers(p.origin) {
		runnable += w.runnable
		all += max(0, w.at-w.since)
	}
	return all > 0 && float64(runnable) >= runnableShare*float64(all)
}

// holdsForLoad says whether the empty slots wait for a newer generation that loads. That one prepares before its first worker is forked.
func (c *Core) holdsForLoad(p *preloader) bool {
	if p.heldUntil == 0 {
		needed := c.loads[p.origin.Generation].Load.Seconds + p.prepared
		p.heldUntil = c.now + time.Duration(2*needed*float64(time.Second))
	}
	return c.loading() != nil && c.serves(p.origin) && c.now < p.heldUntil
}

// waitsForRelease says whether an empty slot gets no worker of older code than the one that grows: the new release takes it, and
// who was lent its socket serves it until then. One that is killed is gone in a moment, which is another event.
func (c *Core) waitsForRelease(s *slot, source *preloader) bool {
	p := c.seeding()
	return p != nil && source.origin.Generation < p.origin.Generation && slices.ContainsFunc(c.slots, func(other *slot) bool {
		return slices.ContainsFunc(other.workers, func(w *worker) bool {
			return (w.state == ReadyWorker || w.state == KillingWorker) && slices.Contains(w.borrowed, s.number)
		})
	})
}

// retireSeeded retires the preloader of the seeds that a proven one was reforked from: the slots are filled from this one, which
// needs no memory of its own.
func (c *Core) retireSeeded(by *preloader) {
	if p := c.seeding(); p != nil && by.seededBy == p.origin {
		p.seeding = false
		by.lendUntil = c.now + fillTime
		c.do(SetTimer{Timer{Kind: TimerPace}, fillTime})
		c.retire(p, ReasonRolled)
	}
}

// endHopelessSeeding fills the slots where it is known that no preloader will be forked from a seed within the time. Where all
// have been filled meanwhile, since a newer generation was there for a while, nothing grows any more.
func (c *Core) endHopelessSeeding() {
	p := c.seeding()
	if p != nil && c.forksOf(p) == c.unparked() {
		c.endSeeding(p, ReasonFilled)
		return
	}
	if p == nil || slices.ContainsFunc(c.preloaders, func(other *preloader) bool {
		return other.seededBy == p.origin && other.state != RetiringPreloader
	}) {
		return
	}
	r := c.reforksOf(p.origin.Generation)
	if c.reforksEnd(r) || p.pressed && r.retryAt > p.seedUntil || c.unfitSeeds(p) {
		c.endSeeding(p, ReasonNoRefork)
	}
}

// unfitSeeds says whether the application wants none of the seeds to be forked from.
func (c *Core) unfitSeeds(p *preloader) bool {
	unfit := false
	for _, s := range c.slots {
		for _, w := range s.workers {
			if w.key.Origin() == p.origin && !w.leaving() {
				if !w.unfit {
					return false
				}
				unfit = true
			}
		}
	}
	return unfit
}

func (c *Core) endSeeding(p *preloader, why Reason) {
	c.stopSeeding(p, why)
	c.fill()
}

func (c *Core) stopSeeding(p *preloader, why Reason) {
	p.seeding = false
	c.replaceSeeds(p)
	c.do(SeedingEnded{Generation: p.origin.Generation, Reason: why})
}

// replaceSeeds has what is forked from a seed too late take all slots, which have been filled from what was loaded by then.
func (c *Core) replaceSeeds(p *preloader) {
	for _, late := range c.preloaders {
		if late.seededBy == p.origin && !late.proven {
			late.seededBy = ident.Origin{}
		}
	}
}

// replaceSeedsOfAll has what was forked from a seed take the slots of seeds where these have all of them, and nothing grows any more: it
// would have none to show itself in.
func (c *Core) replaceSeedsOfAll(source *preloader) {
	if source.proven || source.seededBy == (ident.Origin{}) || c.seeding() != nil {
		return
	}
	for _, s := range c.slots {
		w := s.serving()
		if s.state != ParkedSlot && (w == nil || w.key.Origin() != source.seededBy) {
			return
		}
	}
	source.seededBy = ident.Origin{}
}

// lendSockets has the seeds that are ready serve the slots that nobody serves, too, and takes the sockets back when the
// slots are filled.
func (c *Core) lendSockets() {
	lender, lends := c.lender()
	for _, s := range c.slots {
		for _, w := range s.workers {
			switch {
			case w.state != ReadyWorker:
			case lends && w.key.Origin() == lender:
				c.lendTo(w)
			case w.lent && (!lends || c.serves(lender)): // else nobody would have them for a moment, or for long
				w.borrowed, w.lent = nil, false
				c.do(ReturnSockets{w.key})
			}
		}
	}
}

// serves says whether a worker of a preloader is ready.
func (c *Core) serves(origin ident.Origin) bool { return len(c.readyWorkers(origin)) > 0 }

// readyWorkers are those of a preloader, in the order of their slots.
func (c *Core) readyWorkers(origin ident.Origin) (ready []*worker) {
	for _, s := range c.slots {
		for _, w := range s.workers {
			if w.state == ReadyWorker && w.key.Origin() == origin {
				ready = append(ready, w)
			}
		}
	}
	return ready
}

// socketIsAnother has the socket of a slot lent anew where it was lent: it is another one, or gone.
func (c *Core) socketIsAnother(of *slot) {
	for _, s := range c.slots {
		for _, w := range s.workers {
			w.borrowed = slices.DeleteFunc(w.borrowed, func(number int) bool { return number == of.number })
		}
	}
}

func (c *Core) lendTo(w *worker) {
	var more []int
	for _, s := range c.slots {
		if len(w.borrowed)+len(more) == maxBorrowed {
			break
		}
		if s.serving() == nil && s.open && s.state != ParkedSlot && !slices.Contains(w.borrowed, s.number) {
			more = append(more, s.number)
		}
	}
	if len(more) > 0 {
		w.borrowed, w.lent = append(w.borrowed, more...), true
		c.do(LendSockets{w.key, more})
	}
}
