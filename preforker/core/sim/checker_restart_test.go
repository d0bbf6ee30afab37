package sim

import "launcher/preforker/core"

// checkedRestarts is what was told of restarts: each ends once, and the next one begins after that.
type checkedRestarts struct {
	number int  // of the last one
	deaths int  // of workers of it that have served nobody
	loads  int  // the generation that it has loaded, or loads; 0: none yet
	open   bool // it has not ended
	served int  // the newest generation that has served all slots
}

// restarts takes a fact about a restart, and says whether it is one.
func (c *checker) restarts(a core.Action) bool {
	switch a := a.(type) {
	case core.RestartBegan:
		c.restartBegins(a.Number)
	case core.RestartNoted:
		c.restartNoted = true
		c.restartBegins(a.Number)
	case core.RoomIsShort:
		if _, is := c.event.(core.RestartAsked); !is || a.Available == 0 || a.Need <= a.Available || a.Available != c.available {
			c.fail("there is room: %+v", a)
		}
		c.short = a.Spare
	case core.RestartIgnored:
		if !c.stopping {
			c.fail("a restart is ignored, and nothing stops")
		}
	case core.RestartEnded:
		c.restartEnds(a)
	default:
		return false
	}
	return true
}

func (c *checker) restartBegins(number int) {
	r := &c.asked
	if _, is := c.event.(core.RestartAsked); !is || r.open || number != r.number+1 {
		c.fail("the restart %d begins after %+v", number, *r)
	}
	r.number, r.loads, r.deaths, r.open = number, 0, 0, true
}

func (c *checker) restartEnds(a core.RestartEnded) {
	r := &c.asked
	if !r.open || a.Number != r.number {
		c.fail("the restart %d ends after %+v", a.Number, *r)
	}
	r.open = false
	_, asked := c.event.(core.RestartAsked)
	right := false
	switch a.End {
	case core.RestartServed:
		right = r.served == a.Generation && a.Generation == c.generation
	case core.RestartNotLoaded:
		right = c.failed == a.Generation
	case core.RestartHeld:
		right = c.trials[a.Generation].holds()
	case core.RestartNotUp:
		right = a.Deaths >= 5 && r.deaths >= a.Deaths
	case core.RestartReplaced:
		right = asked && !c.stopping
	case core.RestartStopped:
		right = c.stopping || !c.booted
	}
	if !right {
		c.fail("the restart %d has not ended so: %+v", a.Number, a)
	}
}

// checkRestart: a restart ends at once when its generation serves, or is held back.
func (c *checker) checkRestart() {
	if r := &c.asked; r.open && r.loads > 0 && (r.served == r.loads || c.trials[r.loads].holds()) {
		c.fail("the restart %d has not ended: %+v", r.number, *r)
	}
}
