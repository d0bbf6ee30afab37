package preforker

import (
	"log/slog"
	"slices"
)

// A socket whose file is gone, or another one, cannot be reached any more, and cannot be given its
// name again: the slot gets a new one. Its workers have the old one, in whose queue requests may
// wait; they serve what is there and leave, and the slot is filled as one that nobody serves.

// socketsLost: files of open sockets are gone.
func (c *core) socketsLost(e socketsLost) {
	if c.phase == phaseStopping || c.phase == phaseDone {
		return // nobody is to find them
	}
	var lost []*slot
	for _, number := range e.slots {
		if s := c.slots[number]; s.open {
			lost = append(lost, s)
		}
	}
	if len(lost) == 0 {
		return
	}
	for _, s := range lost {
		s.binding++
		c.do(rebindSlot{s.number})
	}
	c.log(slog.LevelWarn, "socket files were removed or replaced; the sockets are bound anew", slog.Any(keySlots, numbersOf(lost)))
	for _, s := range lost {
		for _, w := range slices.Clone(s.workers) {
			c.strand(s, w)
		}
	}
	c.fill()
}

// strand has a worker leave that serves a socket which is not its slot's any more. One that is not
// ready yet is heard of again when it is.
func (c *core) strand(s *slot, w *worker) {
	if w.binding != s.binding && w.state == WorkerReady {
		c.drain(w, ReasonUnbound, true)
		c.vacate(s)
	}
}

func numbersOf(slots []*slot) (numbers []int) {
	for _, s := range slots {
		numbers = append(numbers, s.number)
	}
	return numbers
}

// slotNotBound: the socket of a slot could not be bound. It is tried again as after early
// deaths, less and less often; the log has each reason once.
func (c *core) slotNotBound(e slotNotBound) {
	s := c.slots[e.slot]
	level := slog.LevelError
	if e.told || e.err.Error() == s.unbound {
		level = slog.LevelDebug
	}
	s.unbound = e.err.Error()
	c.log(level, "socket could not be bound again", slog.Int(keySlot, e.slot), slog.Any(keyError, e.err))
	s.open = false
	if w := s.serving(); w != nil && w.binding == s.binding && w.state == WorkerSpawning {
		// The spawn that went with it has no listener.
		c.do(forgetWorker{w.key, false})
		c.moveWorker(w, WorkerExited)
		s.remove(w)
		c.retryLater(s, slotBackoff.most)
		c.fill()
	}
}

// boundAgain: a worker is ready on the socket of a slot that could not be bound before.
func (c *core) boundAgain(s *slot) {
	if s.unbound == "" {
		return
	}
	s.unbound, s.deaths = "", 0
	c.log(slog.LevelInfo, "socket is bound again", slog.Int(keySlot, s.number))
}
