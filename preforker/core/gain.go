package core

// What each fork writes with its first requests, a fork of the next refork would write again. What a worker has beyond that is
// what a refork gains.

const (
	// gainShare is the part of what forks write anew that a later refork gains at least. It has to be large: what is forked from a
	// worker that has served for long writes a quarter more with its first requests (blog, 3.1: 12.0 MB in the place of 9.5).
	gainShare = 2
	// costlySeed is how many times as much as a fork a seed has that is replaced by one: it has written all that the first requests
	// of the application write, and nobody shares that but the one that others are forked from.
	costlySeed = 2
)

// forkCost is what the forks of a preloader have after their first requests, in the mean; 0: not known.
func (c *Core) forkCost(p *preloader) uint64 {
	var sum, forks uint64
	for _, s := range c.slots {
		if w := s.serving(); w != nil && w.state == ReadyWorker && w.settled > 0 && w.key.Origin() == p.origin {
			sum, forks = sum+w.settled, forks+1
		}
	}
	return sum / max(forks, 1)
}

// reforkPays says whether the workers have so much more than forks of a preloader start with that it pays to fork them anew.
func (c *Core) reforkPays(p *preloader) bool {
	gain, usual, _ := c.laterGain(p)
	return !c.policy.Refork.Worthwhile || usual == 0 || gain >= usual/gainShare
}

// laterGain is what the workers have beyond what forks of a preloader start with, and what so many forks start with; 0: not known.
func (c *Core) laterGain(p *preloader) (gain, usual, workers uint64) {
	each := c.forkCost(p)
	for _, s := range c.slots {
		if w := s.serving(); w != nil && w.key != p.source { // which shares what it had when it was measured
			gain, usual, workers = gain+w.private-min(w.private, each), usual+each, workers+1
		}
	}
	return gain, usual, workers
}

// findCostlySeeds has the seeds replaced that share little with what the slots were filled from.
func (c *Core) findCostlySeeds(source *preloader) {
	each := c.forkCost(source)
	if !c.policy.Refork.Worthwhile || each == 0 || c.announced != source.origin || c.seeding() != nil {
		return
	}
	for _, s := range c.slots {
		if w := s.serving(); w != nil && c.isSeed(w, source) && w.key != source.source && w.private >= costlySeed*each {
			w.costly = true
		}
	}
}
