package sim

import (
	"time"

	"launcher/preforker/core"
	"launcher/preforker/ident"
)

const (
	slotCrashes     = 10               // deaths in a row until a slot has failed
	loadCrashes     = 8                // loads in a row until a generation has
	failedRetry     = 5 * time.Minute  // between two tries
	unservedRetry   = 5 * time.Second  // at least, where nobody serves
	failedRetryMax  = 66 * time.Minute // at most
	failedLoadRetry = time.Hour        // at most, of a generation
)

// checkedCrashes are the deaths of workers of a slot that have served nothing, with no request in hand.
type checkedCrashes struct {
	row    int           // so many in a row
	at     time.Duration // when the last one was
	newest int           // its generation
	failed bool
}

// dies counts a death of a worker of a slot.
func (c *checker) dies(a core.WorkerDied) {
	w := c.workers[a.Worker.Key.Serial]
	if a.Worker.Key.Slot == ident.NoSlot || a.Served > 0 || a.Request != "" || a.Reason == core.ReasonLeft || w.limitRequest != "" ||
		w.ready && !w.killed && c.now-w.since >= soundAfter {
		return
	}
	r := &c.slotOf(w).crashes
	r.row++
	r.at, r.newest = c.now, a.Worker.Key.Generation
}

// takesService: a worker has come up, if it is newer than those that have not.
func (c *checker) takesService(s *checkedSlot, w *checkedWorker) {
	if r := &s.crashes; w.ready && w.since > r.at && w.key.Generation >= r.newest {
		r.row = 0
	}
}

// forgetsCrashes: a slot that had failed is tried at once.
func (c *checker) forgetsCrashes() {
	for i := range c.slots {
		s := &c.slots[i]
		s.crashes.row = 0
		if s.crashes.failed {
			s.crashes.failed = false
			s.triedAtOnce()
		}
	}
}

// triesOtherCode: whoever waits since its workers have died may be tried.
func (c *checker) triesOtherCode() {
	for i := range c.slots {
		c.slots[i].anyTime = true
	}
}

// triedAtOnce: what it waited for is over, if it waited.
func (s *checkedSlot) triedAtOnce() { s.wait, s.timer, s.backoff = 0, core.Timer{}, false }

func (c *checker) didFail(a core.SlotFailed) {
	r := &c.slots[a.Slot].crashes
	switch {
	case a.Deaths < slotCrashes && !a.Again || r.row < slotCrashes:
		c.fail("slot %d has failed after %d deaths: %+v", a.Slot, r.row, a)
	case a.Again != r.failed:
		c.fail("slot %d has failed, again: %v", a.Slot, a.Again)
	case a.Death.Worker.Key.Slot != a.Slot || a.Death.Reason == "":
		c.fail("slot %d has failed because of %+v", a.Slot, a.Death)
	case a.Served != (c.slots[a.Slot].accepting() != nil || c.slots[a.Slot].comingUp() != nil):
		c.fail("slot %d has failed, served: %v", a.Slot, a.Served)
	case a.Wait > failedRetryMax || a.Wait < unservedRetry || a.Wait < failedRetry && c.anybodyServes():
		c.fail("slot %d has failed, and waits for %v", a.Slot, a.Wait)
	}
	r.failed = true
}

// anybodyServes says whether any slot is served.
func (c *checker) anybodyServes() bool {
	for i := range c.slots {
		if c.slots[i].accepting() != nil {
			return true
		}
	}
	return false
}

// recovers: a worker has shown that a slot has what it lacked. Others that have failed are tried, too.
func (c *checker) recovers(a core.SlotRecovered) {
	s := c.slotOf(c.workers[a.Worker.Key.Serial])
	if !s.crashes.failed {
		c.fail("slot %d recovers, and had not failed", a.Worker.Key.Slot)
	}
	exited, ends := c.event.(core.WorkerExited)
	switch w := c.workers[a.Worker.Key.Serial]; {
	case !w.ready || w.since < s.crashes.at:
		c.fail("slot %d recovers by %v, which has not come up since", a.Worker.Key.Slot, a.Worker.Key)
	case w.served == 0 && c.now-w.since < soundAfter && !(ends && (exited.Served > 0 || exited.Request != "" || w.limitRequest != "")):
		c.fail("slot %d recovers by %v, which has shown nothing", a.Worker.Key.Slot, a.Worker.Key)
	}
	s.crashes.failed, s.crashes.row = false, 0
	for i := range c.slots {
		if c.slots[i].crashes.failed {
			c.slots[i].triedAtOnce()
		}
	}
}

func (c *checker) didFailLoads(a core.GenerationFailed) {
	if a.Failures < loadCrashes || c.loadFailures < loadCrashes {
		c.fail("a generation has failed after %d", c.loadFailures)
	}
	if a.Wait > failedLoadRetry || a.Wait < unservedRetry || a.Wait < failedRetry && c.anybodyServes() || a.Served != c.anybodyServes() {
		c.fail("a generation has failed, and waits for %v, served: %v", a.Wait, a.Served)
	}
}

// checkOthers: the failure of one slot changes nothing in those that are served.
func (c *checker) checkOthers(actions []core.Action) {
	failed := map[int]bool{}
	for _, a := range actions {
		if f, is := a.(core.SlotFailed); is {
			failed[f.Slot] = true
		}
	}
	if len(failed) == 0 {
		return
	}
	for _, a := range actions {
		switch a := a.(type) {
		case core.CloseSlot:
			if !failed[a.Slot] {
				c.fail("slot %d is closed as another one fails", a.Slot)
			}
		case core.KillWorker:
			c.fail("%v is killed as a slot fails", a.Key)
		}
	}
}
