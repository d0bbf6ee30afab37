package core

// oversizedTimes is how many times its budget a worker has at least that became so by one request.
const oversizedTimes = 2

// oversized says whether a worker has so much more than its budget that no growth over many requests explains it:
// a single one needed that much. It does not wait for the least number of requests of a service, since the
// bound is one of memory.
func (c *Core) oversized(w *worker) bool {
	bound := c.boundOf(w)
	return bound > 0 && w.private >= oversizedTimes*max(bound, c.budget.usual)
}

// adjustOversized sees how many requests an oversized worker has served. Where several in a row become so with
// their first requests, the application needs that much: it is the usual size from then on, for which nobody is replaced
// early.
func (c *Core) adjustOversized(w *worker) {
	b := &c.budget
	if w.served >= b.minServed+b.minServed/2 && w.settled < c.boundOf(w) {
		b.forgetOversized()
		return
	}
	if b.oversized == 0 {
		b.needed = w.private
	}
	b.needed = min(b.needed, w.private)
	if b.oversized++; b.oversized < earlyServices {
		return
	}
	b.oversized, b.usual = 0, b.needed
	if b.minServed < maxService {
		b.minServed *= 2
	}
	c.tooSmall(w)
}

func (b *budget) forgetOversized() { b.oversized, b.usual = 0, 0 }
