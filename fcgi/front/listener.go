package front

import (
	"container/list"
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// freshGrace is how long a connection may be silent after it was made. Then it gives way to others
	// that wait, as a kept one does at once.
	freshGrace = time.Second
	// headGrace is the same for one that has sent the beginning of a request's head and not the rest.
	headGrace = 2 * time.Second
	// bodyGrace is the same for one whose request's body is being read, since the last byte of it. Mobile
	// networks pause for some seconds.
	bodyGrace = 10 * time.Second
	// acceptPause follows an accept that failed, for want of descriptors most likely.
	acceptPause = 100 * time.Millisecond
	// warnPause is the least time between two lines of the log about the same trouble.
	warnPause = time.Minute
)

// Listener accepts no more than so many connections at once. Where they are all taken, a
// kept connection without a request is closed for the next one, that which has been idle for the longest
// time first; then those that have asked for nothing yet and had time to; then those that have stopped in the
// middle of a request's body. Otherwise the next one waits, and those after it in the kernel's backlog.
type Listener struct {
	net.Listener
	log      *slog.Logger
	counters *Counters

	freshGrace, headGrace, bodyGrace time.Duration

	draining atomic.Bool
	closing  sync.Once
	closed   chan struct{}
	changed  chan struct{} // there may be room

	mu    sync.Mutex
	max   int // 0: any number
	open  int
	idle  list.List // of *conn, the longest idle first
	fresh list.List // of *conn that have sent nothing yet, the oldest first
	head  list.List // of *conn that have sent a part of a request's head, likewise
	body  list.List // of *conn whose request's body is waited for, the longest silent first

	warned map[string]time.Time // when a trouble was last logged; Accept's alone
}

// NewListener returns a Listener that accepts from another at most max connections at once; 0 is any number.
func NewListener(listener net.Listener, max int, log *slog.Logger) *Listener {
	return &Listener{Listener: listener, max: max, log: log, counters: &Counters{}, freshGrace: freshGrace, headGrace: headGrace, bodyGrace: bodyGrace,
		closed: make(chan struct{}), changed: make(chan struct{}, 1), warned: map[string]time.Time{}}
}

// Accept returns the next connection once there is room for it. Only the end of the listener is an
// error: without descriptors, or after any other trouble, it tries again.
func (l *Listener) Accept() (net.Conn, error) {
	for {
		accepted, err := l.Listener.Accept()
		if err == nil {
			return l.admit(accepted)
		}
		if errors.Is(err, net.ErrClosed) {
			return nil, err
		}
		l.warn("connection was not accepted", keyError, err)
		l.closeIdle()
		if !l.awaitRoom(acceptPause) {
			return nil, net.ErrClosed
		}
	}
}

// admit waits for room for a connection.
func (l *Listener) admit(accepted net.Conn) (net.Conn, error) {
	c := &conn{Conn: accepted, listener: l}
	c.asking.pending.Store(true)
	secured, encrypted := accepted.(*securedConn)
	if encrypted {
		c.Conn, c.encrypted = secured.Conn, true
	}
	c.localHost, c.localPort = splitAddress(c.LocalAddr())
	l.mu.Lock()
	l.open++
	l.mu.Unlock()
	for {
		room, again := l.makeRoom()
		if room {
			break
		}
		_, limit := l.Connections()
		l.warn("all connections are taken", keyLimit, limit)
		if !l.awaitRoom(again) {
			_ = c.Close() // nothing was read or written
			return nil, net.ErrClosed
		}
	}
	l.counters.accepted.Add(1)
	l.mu.Lock()
	defer l.mu.Unlock()
	c.moveTo(&l.fresh)
	if encrypted {
		return tls.Server(c, secured.config), nil
	}
	return c, nil
}

// makeRoom says whether there is room, after it has closed one that can be closed. Else it says when to
// look again at the latest, 0 for when something changes.
func (l *Listener) makeRoom() (ok bool, again time.Duration) {
	l.mu.Lock()
	if l.max <= 0 || l.open <= l.max {
		l.mu.Unlock()
		return true, 0
	}
	var evicted *conn
	for _, waiting := range []struct {
		conns *list.List
		grace time.Duration
	}{{&l.idle, 0}, {&l.fresh, l.freshGrace}, {&l.head, l.headGrace}, {&l.body, l.bodyGrace}} {
		first := waiting.conns.Front()
		if first == nil {
			continue
		}
		left := waiting.grace - time.Since(first.Value.(*conn).since)
		if left <= 0 {
			evicted = first.Value.(*conn)
			if waiting.conns == &l.head || waiting.conns == &l.body {
				l.counters.unanswered[madeRoom].Add(1)
			}
			l.counters.evicted.Add(1)
			evicted.moveTo(nil)
			evicted.evicted = true
			break
		}
		if again == 0 || left < again {
			again = left
		}
	}
	l.mu.Unlock()
	if evicted == nil {
		return false, again
	}
	_ = evicted.Close() // what it may still have written does not matter
	return l.makeRoom()
}

// closeIdle closes the connection that has been idle for the longest time, if there is one.
func (l *Listener) closeIdle() {
	l.mu.Lock()
	first := l.idle.Front()
	l.mu.Unlock()
	if first != nil {
		_ = first.Value.(*conn).Close() // as above
	}
}

// closeSilent closes connections on which no request has come for a while: kept ones, those that browsers make in advance, and those of
// which something has come that is no request. HTTP/2 has such, between two of them.
func (l *Listener) closeSilent() {
	for {
		l.mu.Lock()
		var evicted *conn
		for silent, grace := range map[*list.List]time.Duration{&l.idle: l.freshGrace, &l.fresh: l.freshGrace, &l.head: l.headGrace} {
			if first := silent.Front(); first != nil && time.Since(first.Value.(*conn).since) >= grace {
				evicted = first.Value.(*conn)
				evicted.moveTo(nil)
				break
			}
		}
		l.mu.Unlock()
		if evicted == nil {
			return
		}
		_ = evicted.Close() // as above
	}
}

// Quiet tells whether a request can come on none of the connections, of a listener that has ended.
func (l *Listener) Quiet() bool {
	select {
	case <-l.closed:
	default:
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.idle.Len()+l.fresh.Len()+l.head.Len()+l.body.Len() == 0
}

// awaitRoom waits until something changes, for so long at most (0: for ever). False says that the listener is closed.
func (l *Listener) awaitRoom(limit time.Duration) bool {
	var over <-chan time.Time
	if limit > 0 {
		timer := time.NewTimer(limit)
		defer timer.Stop()
		over = timer.C
	}
	select {
	case <-l.closed:
		return false
	case <-l.changed:
	case <-over:
	}
	return true
}

func (l *Listener) warn(text string, attrs ...any) {
	if now := time.Now(); now.Sub(l.warned[text]) >= warnPause {
		l.warned[text] = now
		l.log.Warn(text, attrs...)
	}
}

// SetMax has it accept so many connections at once from now on; those that are there stay.
func (l *Listener) SetMax(max int) {
	l.mu.Lock()
	l.max = max
	l.mu.Unlock()
	l.notify()
}

// Connections returns how many are accepted, and how many can be.
func (l *Listener) Connections() (open, max int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.max > 0 {
		return min(l.open, l.max), l.max // one more may wait for room
	}
	return l.open, 0
}

// Counters are those of its connections.
func (l *Listener) Counters() *Counters { return l.counters }

// Drain implements Drainer. Who has connected waits for room as ever.
func (l *Listener) Drain() {
	l.draining.Store(true)
	drainListener(l.Listener)
}

// Close ends Accept. Connections stay, and who has not been accepted is reset.
func (l *Listener) Close() error {
	l.closing.Do(func() { close(l.closed) })
	return l.Listener.Close()
}

// connState follows a connection as net/http sees it.
func (l *Listener) connState(accepted net.Conn, state http.ConnState) {
	c := below(accepted)
	if c == nil {
		return
	}
	if state == http.StateClosed {
		l.noteEnd(c, accepted)
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	switch state {
	case http.StateIdle:
		c.asking.next()
		if http2(accepted) {
			// The end of its last response is yet to leave, perhaps. It has a moment, as a new one does.
			c.moveTo(&l.fresh)
		} else {
			c.moveTo(&l.idle)
		}
		l.notify()
	case http.StateActive:
		c.asking.begins()
		c.moveTo(nil)
	}
}

// received notes the first bytes of a request, and those that come of a body.
func (l *Listener) received(c *conn, bytes int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c.asking.read += bytes
	switch c.list {
	case &l.idle, &l.fresh:
		c.moveTo(&l.head)
	case &l.body:
		c.moveTo(&l.body)
	}
}

// notify wakes the accept that waits for room.
func (l *Listener) notify() {
	select {
	case l.changed <- struct{}{}:
	default:
	}
}

func (l *Listener) connContext(ctx context.Context, accepted net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, below(accepted))
}
