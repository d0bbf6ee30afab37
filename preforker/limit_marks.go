package preforker

import (
	"sync"
	"time"

	"launcher/preforker/core"
	"launcher/preforker/ident"
)

// limitMarks say of each slot when a worker of it has last passed a limit. The loop writes them before the worker is ended, others
// ask: the launcher's own front gives no request to a second worker that has brought a first one beyond its limits.
type limitMarks struct {
	mu    sync.Mutex
	marks map[int]limitMark
}

type limitMark struct {
	at      time.Time
	timeout bool // of a request, not memory
}

func (l *limitMarks) set(slots []int, timeout bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.marks == nil {
		l.marks = map[int]limitMark{}
	}
	for _, slot := range slots {
		l.marks[slot] = limitMark{time.Now(), timeout}
	}
}

// since says whether a worker of a slot has passed a limit after a time, and whether it was that of a request.
func (l *limitMarks) since(slot int, began time.Time) (passed, timeout bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	mark, has := l.marks[slot]
	return has && !mark.at.Before(began), mark.timeout
}

// PassedLimit says whether the worker of a slot that was given a request at a time has passed a limit since, and whether it was the time
// that a request may take. It may be asked by any goroutine.
func (s *Supervisor) PassedLimit(slot int, began time.Time) (passed, timeout bool) {
	return s.limits.since(slot, began)
}

// noteLimit marks the slots of a worker that has passed a limit.
func (s *Supervisor) noteLimit(fact core.Fact) {
	switch f := fact.(type) {
	case core.RequestTimedOut:
		s.limits.set(s.slotsOf(f.Worker.Key), true)
	case core.MemoryExceeded:
		s.limits.set(s.slotsOf(f.Worker.Key), false)
	}
}

// slotsOf are the slots whose sockets a worker serves.
func (s *Supervisor) slotsOf(key ident.Key) []int {
	if w := s.workers[key]; w != nil {
		return append([]int{key.Slot}, w.lent...)
	}
	return []int{key.Slot}
}
