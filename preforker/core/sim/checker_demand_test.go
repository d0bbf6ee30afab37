package sim

import (
	"slices"
	"time"

	"launcher/preforker/core"
	"launcher/preforker/ident"
)

// presses notes whether all seeds of a preloader are busy.
func (c *checker) presses() {
	p := c.seeding()
	if p == nil {
		return
	}
	busy := 0
	for i := range c.slots {
		if w := c.slots[i].accepting(); w != nil && w.key.Origin() == p.origin {
			if !w.busy {
				p.pressed = false
				return
			}
			busy++
		}
	}
	if busy == 0 {
		p.pressed = false
	} else if !p.pressed {
		p.pressed, p.pressedAt = true, c.now
	}
}

// checkPress: seeds that are busy for long are left alone by no means: there is a time limit, which is not put off for ever.
func (c *checker) checkPress() {
	p := c.seeding()
	if p == nil || !p.pressed || c.stopping {
		return
	}
	if c.timers[core.Timer{Kind: core.TimerSeed, Key: p.origin.Key()}] == 0 {
		c.fail("all seeds of %v are busy, and there is no time limit", p.origin)
	}
	longest := 11*c.policy.SeedTime + time.Duration(2*(loadSeconds+p.prepared)*float64(time.Second))
	if busy := c.now - p.pressedAt; busy > longest {
		c.fail("all seeds of %v are busy for %v, and the slots are not filled", p.origin, busy)
	}
}

// takesOver says whether an older worker leaves its slot to seeds that are not pressed, and that serve it from this step on.
func (c *checker) takesOver(w *checkedWorker) bool {
	p := c.seeding()
	if p == nil || c.readySeeds(p.origin) == 0 {
		return false
	}
	if w.early && w.key.Origin() == p.origin && !c.preparing(p.origin) {
		return c.readySeeds(p.origin) >= c.policy.Seeds
	}
	return w.key.Generation < p.origin.Generation && !c.loads()
}

// readySeeds counts the workers of a preloader that serve, but for early ones.
func (c *checker) readySeeds(origin ident.Origin) (n int) {
	for i := range c.slots {
		if w := c.slots[i].accepting(); w != nil && w.key.Origin() == origin && !w.early {
			n++
		}
	}
	return n
}

// dying says whether a worker of a preloader was killed, whose end is an event soon.
func (c *checker) dying(origin ident.Origin) bool {
	return slices.ContainsFunc(c.workers[1:], func(w *checkedWorker) bool { return w.killed && !w.ended && w.key.Origin() == origin })
}
