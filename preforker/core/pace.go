package core

import "time"

// What a refork saves is memory, which nobody waits for. So its roll rests after each replacement for a multiple of what that
// one took, and takes first whose worker is idle. A new release is not held up, nor the way back from a refork that was given up.

const (
	// paceTimes is how many times as long as the last replacement took the next one waits: the roll has a ninth of the time,
	// in which it takes some of the CPUs.
	paceTimes = 8
	// idleWait is for how long after that a worker is waited for that has no request in hand.
	idleWait = time.Second
)

// unhurried says whether a worker serves as well as one of the source would, and has only more memory.
func unhurried(w *worker, source *preloader) bool {
	return source.proven && !w.early && w.key.Generation == source.origin.Generation && w.key.Origin().Before(source.origin)
}

// paced says whether the replacement of an unhurried worker has to wait: for its time, or for an idle one.
func (c *Core) paced(w *worker) bool {
	return c.now < c.paceUntil || w.busy && c.now < c.paceUntil+idleWait
}

// paceAfter has the next replacement wait after one of a worker that was replaced by a fork of a refork. It is called when its
// successor serves, and again when it has left. Where that was a spare its fork counts all the same: another one follows.
func (c *Core) paceAfter(w *worker) {
	if w.reason != ReasonReforked || c.phase != PhaseRunning {
		return
	}
	wait := paceTimes * min(c.now-w.chosen+w.successorTook, leaverTime)
	c.paceUntil = c.now + wait
	c.do(SetTimer{Timer{Kind: TimerPace}, wait})
	c.do(SetTimer{Timer{Kind: TimerPace}, wait + idleWait})
}
