package preforker

import (
	"launcher/preforker/internal/wire"
)

// fill gives every slot what it lacks: a worker where there is none, then, one slot
// at a time, a worker of the newest generation beside an older one. It is called
// after everything that could have made either possible.
func (c *core) fill() {
	source := c.source()
	if c.phase != phaseRunning || source == nil {
		return
	}
	spawning := c.count(WorkerSpawning)
	for _, s := range c.slots {
		if spawning < spawnsAtOnce && s.state == SlotVacant {
			c.openSlot(s)
			c.spawn(s, c.provenSource())
			spawning++
		}
	}
	c.roll(source)
	c.settle(source)
}

func (c *core) count(state WorkerState) (n int) {
	for _, s := range c.slots {
		for _, w := range s.workers {
			if w.state == state {
				n++
			}
		}
	}
	return n
}

// roll starts a successor for the first slot that serves an older generation, one slot
// at a time. It never goes back, and waits where a still newer generation is loading.
func (c *core) roll(source *preloader) {
	if l := c.loading(); l != nil && l.generation > source.generation {
		return
	}
	var next *slot
	for _, s := range c.slots {
		w := s.serving()
		switch {
		case w == nil:
		case w.key.Generation == source.generation && w.state != WorkerReady:
			return // a successor is on its way
		case w.key.Generation < source.generation && w.state == WorkerReady && next == nil && s.retryAt <= c.now:
			next = s
		}
	}
	if next != nil {
		c.spawn(next, source)
	}
}

// settle announces a generation that every slot has reached, and retires the
// preloaders before it.
func (c *core) settle(source *preloader) {
	for _, s := range c.slots {
		w := s.serving()
		if w == nil || w.state != WorkerReady || w.key.Generation != source.generation {
			return
		}
	}
	if c.announced != source.generation {
		c.announced = source.generation
		c.do(announce{source.generation})
	}
	for _, p := range c.preloaders {
		if p.generation < source.generation {
			c.retire(p, ReasonRolled)
		}
	}
}

func (c *core) spawn(s *slot, source *preloader) {
	c.serial++
	w := &worker{key: wire.Key{Slot: s.number, Generation: source.generation, Serial: c.serial}, since: c.now}
	s.workers = append(s.workers, w)
	if s.state != SlotOccupied {
		c.moveSlot(s, SlotOccupied)
	}
	c.do(spawnWorker{w.key})
	c.do(setTimer{timer{timerWorkerBoot, w.key}, c.policy.bootTimeout})
}
