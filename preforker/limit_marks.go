package preforker

import (
	"sync"
	"time"

	"launcher/preforker/core"
	"launcher/preforker/ident"
)

// limitMarks say of each slot when a worker of it has last passed a limit, or was to be killed at once by an operator. The loop writes them
// before the worker is ended, others ask: the launcher's own front gives no request to a second worker that has brought a first one beyond
// its limits, or that somebody wants to end.
type limitMarks struct {
	mu       sync.Mutex
	marks    map[int]limitMark
	returned map[int]limitMark // of workers that had the slot's socket before, and may have a request from there
}

type limitMark struct {
	at      time.Time
	until   time.Time // when the worker had the socket last; zero: it has it
	timeout bool      // of a request; not memory, and nobody's wish
}

func (m limitMark) holds(began time.Time) bool {
	return !m.at.Before(began) && (m.until.IsZero() || !m.until.Before(began))
}

func (l *limitMarks) set(key ident.Key, w *workerProcess, timeout bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.marks == nil {
		l.marks, l.returned = map[int]limitMark{}, map[int]limitMark{}
	}
	mark := limitMark{at: time.Now(), timeout: timeout}
	l.marks[key.Slot] = mark
	if w == nil {
		return
	}
	for _, slot := range w.lent {
		l.marks[slot] = mark
	}
	mark.until = w.returnedAt
	for _, slot := range w.returned {
		l.returned[slot] = mark
	}
}

// since says whether a worker of a slot has passed a limit after a time, and whether it was that of a request.
func (l *limitMarks) since(slot int, began time.Time) (passed, timeout bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, marks := range []map[int]limitMark{l.marks, l.returned} {
		if mark, has := marks[slot]; has && mark.holds(began) {
			return true, mark.timeout
		}
	}
	return false, false
}

// PassedLimit says whether the worker of a slot that was given a request at a time has passed a limit since, or was killed by an operator,
// and whether it was the time that a request may take. It may be asked by any goroutine.
func (s *Supervisor) PassedLimit(slot int, began time.Time) (passed, timeout bool) {
	return s.limits.since(slot, began)
}

// noteLimit marks the slots of a worker that has passed a limit, or is killed with the request that it has.
func (s *Supervisor) noteLimit(fact core.Fact) {
	switch f := fact.(type) {
	case core.RequestTimedOut:
		s.limits.set(f.Worker.Key, s.workers[f.Worker.Key], true)
	case core.MemoryExceeded:
		s.limits.set(f.Worker.Key, s.workers[f.Worker.Key], false)
	case core.KillBegan:
		if f.Now {
			s.limits.set(f.Worker.Key, s.workers[f.Worker.Key], false)
		}
	}
}
