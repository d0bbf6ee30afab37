package front

import (
	"container/list"
	"context"
	"sync"
	"time"

	"launcher/fcgi"
)

// pool hands out sockets, each to one request at a time. Those that wait are
// served in the order in which they came.
type pool struct {
	aside   time.Duration
	sockets []*socket
	closed  chan struct{}
	closing sync.Once

	mu      sync.Mutex
	waiting list.List // of chan *socket with room for one
}

// socket is one worker's address. The fields from busy on belong to the pool's mutex.
type socket struct {
	kept fcgi.Kept

	path string
	slot int // its place among all

	busy   bool
	since  time.Time   // when it was handed out, where it is busy
	parked bool        // no worker is there until somebody connects
	rest   *time.Timer // set while the socket is set aside
	failed bool        // it failed the last time; for logging the change alone
}

func newPool(paths []string, aside time.Duration) *pool {
	p := &pool{aside: aside, closed: make(chan struct{})}
	p.setSockets(paths)
	return p
}

// setSockets has these sockets handed out from now on. Those that were there go on; those that go and have a request finish it.
func (p *pool) setSockets(paths []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	before := make(map[string]*socket, len(p.sockets))
	for _, s := range p.sockets {
		before[s.path] = s
	}
	known := make(map[string]bool, len(paths))
	p.sockets = nil
	for slot, path := range paths {
		if known[path] {
			continue
		}
		known[path] = true
		s := before[path]
		if s == nil || s.slot != slot {
			s = &socket{path: path, slot: slot}
		} else {
			delete(before, path)
		}
		p.sockets = append(p.sockets, s)
	}
	for _, gone := range before {
		gone.kept.Close()
	}
	p.dispatch()
}

// park notes whether a socket has no worker until somebody connects. It is handed out when all others are busy.
func (p *pool) park(slot int, parked bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range p.sockets {
		if s.slot == slot {
			s.parked = parked
			if parked {
				s.kept.Drop() // else another worker would serve it, busy or not
			}
		}
	}
}

// settled is for how long a request has to be under way for it to be in the hands of the worker that was there before the one which
// has just come up: a younger one may be in those of either.
const settled = time.Second

// renew notes that another worker serves at a socket from now on. It gets a request, although its predecessor has not finished one.
func (p *pool) renew(slot int, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, s := range p.sockets {
		if s.slot == slot && s.busy && now.Sub(s.since) >= settled {
			s.kept.Close()
			p.sockets[i] = &socket{path: s.path, slot: slot, parked: s.parked, failed: s.failed}
		}
	}
	p.dispatch()
}

// close ends every wait, those to come too, and keeps no connection.
func (p *pool) close() {
	p.closing.Do(func() { close(p.closed) })
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range p.sockets {
		s.kept.Close()
	}
}

// take returns an idle socket, where nobody has to wait for one.
func (p *pool) take() (*socket, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.waiting.Len() > 0 {
		return nil, false
	}
	s := p.idle()
	if s == nil {
		return nil, false
	}
	s.handOut()
	return s, true
}

// idle returns the socket that is handed out next, nil where none is idle. The mutex is held.
func (p *pool) idle() *socket {
	var parked *socket
	for _, s := range p.sockets {
		switch {
		case s.busy || s.rest != nil:
		case !s.parked:
			return s
		case parked == nil:
			parked = s
		}
	}
	return parked
}

func (s *socket) handOut() { s.busy, s.since = true, time.Now() }

// turns are the channels of those that have waited: each is empty.
var turns = sync.Pool{New: func() any { return make(chan *socket, 1) }}

// acquire waits for an idle socket until the limit. A request that comes again because its
// socket refused goes first, where it was before.
func (p *pool) acquire(ctx context.Context, limit time.Time, again bool) (*socket, error) {
	ready := turns.Get().(chan *socket)
	defer turns.Put(ready)
	p.mu.Lock()
	var place *list.Element
	if again {
		place = p.waiting.PushFront(ready)
	} else {
		place = p.waiting.PushBack(ready)
	}
	p.dispatch()
	p.mu.Unlock()

	select {
	case s := <-ready: // whatever has become of the client: it may still read
		return s, nil
	default:
	}
	over := time.NewTimer(time.Until(limit))
	defer over.Stop()
	err := errNoWorker
	select {
	case s := <-ready:
		return s, nil
	case <-ctx.Done():
	case <-over.C:
	case <-p.closed:
		err = errClosed
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case s := <-ready:
		// It was handed over in the meantime.
		p.free(s)
	default:
		p.waiting.Remove(place)
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return nil, err
}

// release gives a socket back after a request that reached it. It tells
// whether this ended a time of failures.
func (p *pool) release(s *socket) (recovered bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	recovered, s.failed = s.failed, false
	p.free(s)
	return recovered
}

// setAside gives a socket back that failed. It rests for a while before it is
// handed out again. It tells whether this is the first failure in a row.
func (p *pool) setAside(s *socket) (first bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	first, s.failed = !s.failed, true
	s.rest = time.AfterFunc(p.aside, func() { p.rested(s) })
	p.free(s)
	return first
}

// rested ends a rest. There is never a second one meanwhile: a socket that
// rests is not handed out, so it cannot fail.
func (p *pool) rested(s *socket) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s.rest = nil
	p.dispatch()
}

// free marks a socket idle. The mutex is held.
func (p *pool) free(s *socket) {
	s.busy = false
	p.dispatch()
}

// dispatch hands idle sockets to those that wait. The mutex is held.
func (p *pool) dispatch() {
	for p.waiting.Len() > 0 {
		s := p.idle()
		if s == nil {
			return
		}
		s.handOut()
		p.waiting.Remove(p.waiting.Front()).(chan *socket) <- s
	}
}

func (p *pool) load() (busy, waiting int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range p.sockets {
		if s.busy {
			busy++
		}
	}
	return busy, p.waiting.Len()
}
