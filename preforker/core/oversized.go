package core

// swollenTimes is how many times its budget a worker has at least that one request has blown up.
const oversizedTimes = 2

// swollen says whether a worker has so much more than its budget that no growth over many requests explains it:
// a single one needed that much. It does not wait for the least number of requests in a life, since what
// is promised is memory.
func (c *Core) oversized(w *worker) bool {
	bound := c.bound()
	return bound > 0 && w.private >= oversizedTimes*max(bound, c.budget.usual)
}

// livedSwollen looks at how many requests a swollen worker has lived for. Where several in a row become so with
// their first requests, the application needs that much: it is the usual size from then on, for which nobody is replaced before
// the end of a life.
func (c *Core) adjustOversized(w *worker) {
	b := &c.budget
	if w.served >= b.life+b.life/2 && w.base < c.bound() {
		b.forgetOversized()
		return
	}
	if b.oversized == 0 {
		b.needed = w.private
	}
	b.needed = min(b.needed, w.private)
	if b.oversized++; b.oversized < shortLives {
		return
	}
	b.oversized, b.usual = 0, b.needed
	if b.life < maxLife {
		b.life *= 2
	}
	c.tooSmall(w)
}

func (b *budget) forgetOversized() { b.oversized, b.usual = 0, 0 }
