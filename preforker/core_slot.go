package preforker

import (
	"fmt"
	"log/slog"
	"time"

	"launcher/preforker/internal/wire"
)

func (c *core) moveSlot(s *slot, to SlotState) {
	if err := change(slotTransitions, &s.state, to); err != nil {
		c.fault(fmt.Errorf("slot %d: %w", s.number, err))
	}
}

// bury removes a worker from its slot, and decides when the next one comes: at once,
// or after young deaths in a row later and later, but within most.
func (c *core) bury(s *slot, gone *worker, young bool, most time.Duration) {
	if gone.state != WorkerExited {
		c.moveWorker(gone, WorkerExited)
	}
	for i, w := range s.workers {
		if w == gone {
			s.workers = append(s.workers[:i], s.workers[i+1:]...)
			break
		}
	}
	if c.phase == phaseStopping {
		c.vacate(s)
		c.abandonSlot(s)
		c.finishWhenDone()
		return
	}
	wait := time.Duration(0)
	if young {
		c.doubt(gone)
		s.deaths++
		s.failed = gone.key.Generation
		wait = min(slotBackoff.delay(s.deaths, c.random()), most)
	}
	if wait == 0 {
		c.vacate(s)
	} else {
		c.wait(s, wait)
	}
	c.fill()
}

// vacate marks a slot that nobody serves as one that wants a worker. One that still
// drains accepts nothing any more.
func (c *core) vacate(s *slot) {
	if s.serving() == nil && s.state == SlotOccupied {
		c.moveSlot(s, SlotVacant)
	}
}

// wait keeps a slot from being tried again for a while. Where nobody else serves
// it and the wait is long, its socket goes, and the web server turns to
// the slot's neighbours.
func (c *core) wait(s *slot, wait time.Duration) {
	s.retryAt = c.now + wait
	c.do(setTimer{timer{timerSlot, wire.Key{Slot: s.number, Serial: s.deaths}}, wait})
	if s.serving() != nil || s.state == SlotVacant {
		return
	}
	c.do(tellSettled{})
	if s.state == SlotOccupied { // else one that was leaving has died in the wait of another
		c.moveSlot(s, SlotBackoff)
	}
	c.log(slog.LevelWarn, "slot waits before its next worker",
		slog.Int(keySlot, s.number), slog.Int(keyDeaths, s.deaths), slog.Duration(keyWait, wait))
	if wait > closeAfter {
		c.closeSlot(s)
	}
}

func (c *core) closeSlot(s *slot) {
	if s.open {
		s.open = false
		c.do(closeSlot{s.number})
	}
}

func (c *core) openSlot(s *slot) {
	if !s.open {
		s.open = true
		c.do(openSlot{s.number})
	}
}

func (c *core) slotRetry(key wire.Key) {
	s := c.slots[key.Slot]
	if c.phase != phaseRunning || s.deaths != key.Serial {
		return
	}
	if s.state == SlotBackoff {
		c.moveSlot(s, SlotVacant)
	}
	c.fill()
}

// slotNotBound: the socket of a slot that comes back could not be bound.
func (c *core) slotNotBound(e slotNotBound) {
	s := c.slots[e.slot]
	c.log(slog.LevelError, "socket could not be bound again", slog.Int(keySlot, e.slot), slog.Any(keyError, e.err))
	s.open = false
	if w := s.serving(); w != nil {
		// The spawn that went with it has no listener.
		c.do(forgetWorker{w.key, false})
		c.bury(s, w, true, slotBackoff.most)
	}
}
