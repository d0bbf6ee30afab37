package sim

import "launcher/preforker/ident"

// keepsSockets says whether what waits in the sockets is for a launcher that comes later.
func (c *checker) keepsSockets() bool { return c.policy.KeepsSockets || c.succeeded }

// takesStop takes a stop that is asked for. Where another launcher was to follow when the one that is under way has ended, none does any more.
func (c *checker) takesStop() {
	if c.stopping && !c.finished && c.succeeded {
		c.succeeded, c.hidden = false, c.hidden && c.policy.KeepsSockets
	}
	c.stopping = true
}

// hides has nobody new connect.
func (c *checker) hides() {
	if c.hidden {
		c.fail("sockets are hidden twice")
	}
	c.hidden, c.stopping = true, true
}

func (c *checker) servesBacklog(key ident.Key) {
	switch w := c.worker(key); {
	case w == nil:
		c.fail("%v is to serve what waits, which is not there", key)
	case !w.told, w.killed, w.empties:
		c.fail("%v is told to serve what waits before it leaves, and does not leave, or was told before", key)
	case c.keepsSockets():
		c.fail("%v is to serve what waits for the next launcher", key)
	default:
		w.empties = true
	}
}

// checkStop: what waits in a socket is served before its worker leaves for a stop that nobody follows, and nobody new connects.
func (c *checker) checkStop() {
	if !c.stopping || c.finished || c.keepsSockets() {
		return
	}
	if !c.hidden && !c.fronted {
		c.fail("whoever connects waits for a launcher that does not come")
	}
	for _, w := range c.inSlots() {
		if w.stops && !w.killed && !w.empties {
			c.fail("%v leaves what waits in its socket to nobody", w.key)
		}
	}
}

func (c *checker) finishes() {
	switch {
	case c.finished:
		c.fail("it finishes twice")
	case !c.stopping:
		c.fail("it finishes unasked")
	case c.asked.open:
		c.fail("it finishes, and does not say how the restart %d has ended", c.asked.number)
	case c.verbs.refork != (ident.Origin{}):
		c.fail("it finishes, and does not say how the refork %v has ended", c.verbs.refork)
	case !c.hidden && !c.fronted:
		c.fail("it finishes, and whoever connects is reset")
	case len(c.preloaders) > 0:
		c.fail("it finishes before the preloader %v", c.preloaders[0].origin)
	}
	for _, w := range c.inSlots() {
		c.fail("it finishes before %v", w.key)
	}
	if w := c.spare.worker; w != nil {
		c.fail("it finishes before %v", w.key)
	}
	c.finished = true
}
