package preforker

import (
	"fmt"
	"log/slog"
	"slices"
	"time"

	"launcher/preforker/ident"
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
	s.remove(gone)
	if c.phase == phaseStopping {
		c.vacate(s)
		c.abandonSlot(s)
		c.finishWhenDone()
		return
	}
	if young {
		c.doubt(gone)
		s.failed = gone.key.Generation
		c.retryLater(s, most)
	} else {
		c.vacate(s)
	}
	c.fill()
}

func (s *slot) remove(gone *worker) {
	s.workers = slices.DeleteFunc(s.workers, func(w *worker) bool { return w == gone })
}

// retryLater has a slot wait for its next worker, after failures in a row later and later, but within most.
func (c *core) retryLater(s *slot, most time.Duration) {
	s.deaths++
	if c.unserved() && !c.triesSoon(s) {
		most = min(most, unservedBackoff.most)
	}
	if wait := min(slotBackoff.delay(s.deaths, c.random()), most); wait > 0 {
		c.wait(s, wait)
	} else {
		c.vacate(s)
	}
}

// triesSoon says whether another slot's worker is on its way, or will be within seconds. Where nobody serves,
// one slot has to be tried soon, as what has kept workers from coming up may be gone.
func (c *core) triesSoon(but *slot) bool {
	return slices.ContainsFunc(c.slots, func(s *slot) bool {
		return s != but && (s.serving() != nil || s.state == SlotBackoff && s.retryAt <= c.now+unservedBackoff.most)
	})
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
	c.do(setTimer{timer{timerSlot, ident.Key{Slot: s.number, Serial: s.deaths}}, wait})
	if s.serving() != nil || s.state == SlotVacant {
		return
	}
	c.do(tellSettled{})
	if s.state == SlotOccupied { // else one that was leaving has died in the wait of another
		c.moveSlot(s, SlotBackoff)
	}
	level := slog.LevelWarn
	if s.unbound != "" {
		level = slog.LevelDebug // the log says why
	}
	c.log(level, "slot waits before its next worker",
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

func (c *core) slotRetry(key ident.Key) {
	s := c.slots[key.Slot]
	if c.phase == phaseStopping || c.phase == phaseDone || s.deaths != key.Serial {
		return
	}
	if s.state == SlotBackoff {
		c.moveSlot(s, SlotVacant)
	}
	c.fill()
}
