package core

import "time"

// ReforkView is what holds up a refork that nobody waits for: one that has been made takes the slots without hurry, or a later
// one is put off.
type ReforkView struct {
	Refork int           // its number, where it takes slots; 0: it is put off
	Left   int           // the slots that it has yet to take
	NextAt time.Duration // it takes none before
	Gain   uint64        // where it is put off: bytes that it would gain of a worker, in the mean
	From   uint64        // bytes from which on it pays
}

// reforkView is nil where no refork of a generation is held up.
func (c *Core) reforkView(generation int) *ReforkView {
	source, r := c.newestSource(), c.reforked[generation]
	if source == nil || source.origin.Generation != generation || r == nil || c.phase != PhaseRunning {
		return nil
	}
	if left := c.unhurriedSlots(source); left > 0 {
		return &ReforkView{Refork: source.origin.Refork, Left: left, NextAt: c.paceUntil}
	}
	if _, more := c.nextRefork(r); more && r.putOff && c.announced == source.origin && !c.reforkPays(source) {
		gain, usual, workers := c.laterGain(source)
		return &ReforkView{Gain: gain / workers, From: usual / gainShare / workers}
	}
	return nil
}

// unhurriedSlots counts the slots that a reforked preloader takes at its pace.
func (c *Core) unhurriedSlots(source *preloader) (n int) {
	for _, s := range c.slots {
		if w := s.serving(); w != nil && unhurried(w, source) && c.outdated(w, source) {
			n++
		}
	}
	return n
}
