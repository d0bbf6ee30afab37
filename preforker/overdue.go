package preforker

import (
	"io"
	"time"

	"launcher/preforker/core"
	"launcher/preforker/ident"
	"launcher/preforker/internal/scoreboard"
	"launcher/preforker/linux"
)

// requestClock finds requests that have not begun their response in time, by the workers' own records: nothing that a worker does, or cannot
// do any more, keeps it from that. A client that is slow to send its request is not in it, nor is one that is slow to read.
type requestClock struct {
	board   io.ReaderAt
	now     func() (time.Duration, error) // on the clock of the records
	post    func(notice)
	timeout time.Duration // 0: none
	slow    time.Duration // that is told only; 0: none
	seen    map[ident.Key]overdueSeen
}

// overdueSeen is what was told of a worker so far: of which writes of its record.
type overdueSeen struct{ timeout, slow uint32 }

func newRequestClock(board io.ReaderAt, limits core.Limits, post func(notice)) *requestClock {
	return &requestClock{board: board, now: linux.Monotonic, post: post, timeout: limits.RequestTimeout, slow: limits.SlowLog,
		seen: map[ident.Key]overdueSeen{}}
}

// maxChecks is how many checks there are between two probes of all processes, at most.
const maxChecks = 10

// checks is how many checks there are between two probes, so that what is overdue is noticed after at most a quarter more.
func (c *requestClock) checks() int {
	shortest := time.Duration(0)
	for _, limit := range []time.Duration{c.timeout, c.slow} {
		if limit > 0 && (shortest == 0 || limit < shortest) {
			shortest = limit
		}
	}
	if shortest == 0 {
		return 1
	}
	return int(min(max(4*healthPeriod/shortest, 1), maxChecks))
}

// check reads the records of all workers once.
func (c *requestClock) check(targets []healthTarget) {
	if c.timeout == 0 && c.slow == 0 {
		return
	}
	now, err := c.now()
	if err != nil {
		return // no clock, no timeout: it cannot fail with these arguments
	}
	told := map[ident.Key]overdueSeen{} // of few workers, if of any
	for _, target := range targets {
		if target.ready || target.leaving {
			if seen := c.worker(target, c.seen[target.key], now); seen != (overdueSeen{}) {
				told[target.key] = seen
			}
		}
	}
	c.seen = told
}

func (c *requestClock) worker(target healthTarget, seen overdueSeen, now time.Duration) overdueSeen {
	entry, err := scoreboard.Read(c.board, target.record)
	// Half of an older record would have the request begin with what the worker did before.
	if err != nil || entry.Torn || entry.State != scoreboard.Busy || entry.Begun || entry.Pid != target.pid {
		return seen
	}
	after := now - entry.Since
	if c.slow > 0 && after >= c.slow && seen.slow != entry.Sequence {
		seen.slow = entry.Sequence
		c.post(core.RequestOverdue{Key: target.key, Request: entry.Request(), After: after, Slow: true})
	}
	if c.timeout > 0 && entry.Allowed != scoreboard.Unbounded && after >= max(c.timeout, entry.Allowed) && seen.timeout != entry.Sequence {
		seen.timeout = entry.Sequence
		c.post(core.RequestOverdue{Key: target.key, Request: entry.Request(), After: after})
	}
	return seen
}
