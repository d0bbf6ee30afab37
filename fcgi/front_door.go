package fcgi

import (
	"container/list"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

const (
	// freshGrace is how long a connection may be silent after it was made. Then it gives way to others
	// that wait, as a kept one does at once.
	freshGrace = time.Second
	// begunGrace is the same for one that has sent the beginning of a request's head and not the rest.
	begunGrace = 2 * time.Second
	// bodyGrace is the same for one whose request's body is being read, since the last byte of it. Mobile
	// networks pause for some seconds.
	bodyGrace = 10 * time.Second
	// acceptPause follows an accept that failed, for want of descriptors most likely.
	acceptPause = 100 * time.Millisecond
	// doorLogPause is the least time between two lines of the log about the same trouble.
	doorLogPause = time.Minute
)

// Door is a listener that lets no more than so many connections in. Where they are all taken, a
// kept connection without a request is closed for the next one, that which has been idle for the longest
// time first; then those that have asked for nothing yet and had time to; then those that have stopped in the
// middle of a request's body. Otherwise the next one waits, and those after it in the kernel's backlog.
type Door struct {
	net.Listener
	most int // 0: any number
	log  *slog.Logger

	freshGrace, begunGrace, bodyGrace time.Duration

	closing sync.Once
	closed  chan struct{}
	changed chan struct{} // there may be room

	mu    sync.Mutex
	open  int
	idle  list.List // of *guest, the longest idle first
	fresh list.List // of *guest that have sent nothing yet, the oldest first
	begun list.List // of *guest that have sent a part of a request's head, likewise
	body  list.List // of *guest whose request's body is waited for, the longest silent first

	told map[string]time.Time // when a trouble was last logged; Accept's alone
}

// NewDoor makes a door of a listener, for so many connections; 0 is any number.
func NewDoor(listener net.Listener, most int, log *slog.Logger) *Door {
	return &Door{Listener: listener, most: most, log: log, freshGrace: freshGrace, begunGrace: begunGrace, bodyGrace: bodyGrace,
		closed: make(chan struct{}), changed: make(chan struct{}, 1), told: map[string]time.Time{}}
}

// Accept returns the next connection once there is room for it. Only the end of the listener is an
// error: without descriptors, or after any other trouble, it tries again.
func (d *Door) Accept() (net.Conn, error) {
	for {
		conn, err := d.Listener.Accept()
		if err == nil {
			return d.enter(conn)
		}
		if errors.Is(err, net.ErrClosed) {
			return nil, err
		}
		d.trouble("connection was not accepted", keyError, err)
		d.closeIdle()
		if !d.wait(acceptPause) {
			return nil, net.ErrClosed
		}
	}
}

// enter waits for room.
func (d *Door) enter(conn net.Conn) (net.Conn, error) {
	g := &guest{Conn: conn, door: d}
	d.mu.Lock()
	d.open++
	d.mu.Unlock()
	for {
		room, again := d.room()
		if room {
			break
		}
		d.trouble("all connections are taken", keyLimit, d.most)
		if !d.wait(again) {
			_ = g.Close() // nothing was read or written
			return nil, net.ErrClosed
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	g.stand(&d.fresh)
	return g, nil
}

// room says whether there is room, after it has closed one that can be closed. Else it says when to
// look again at the latest, 0 for when something changes.
func (d *Door) room() (ok bool, again time.Duration) {
	d.mu.Lock()
	if d.most <= 0 || d.open <= d.most {
		d.mu.Unlock()
		return true, 0
	}
	var gone *guest
	for _, line := range []struct {
		guests *list.List
		grace  time.Duration
	}{{&d.idle, 0}, {&d.fresh, d.freshGrace}, {&d.begun, d.begunGrace}, {&d.body, d.bodyGrace}} {
		first := line.guests.Front()
		if first == nil {
			continue
		}
		left := line.grace - time.Since(first.Value.(*guest).since)
		if left <= 0 {
			gone = first.Value.(*guest)
			gone.stand(nil)
			gone.gaveWay = true
			break
		}
		if again == 0 || left < again {
			again = left
		}
	}
	d.mu.Unlock()
	if gone == nil {
		return false, again
	}
	_ = gone.Close() // what it may still have written does not matter
	return d.room()
}

// closeIdle closes the connection that has been idle for the longest time, if there is one.
func (d *Door) closeIdle() {
	d.mu.Lock()
	first := d.idle.Front()
	d.mu.Unlock()
	if first != nil {
		_ = first.Value.(*guest).Close() // as above
	}
}

// closeFresh closes connections that were made so long ago and have sent nothing. Browsers make such in
// advance.
func (d *Door) closeFresh(age time.Duration) {
	for {
		d.mu.Lock()
		var gone *guest
		if first := d.fresh.Front(); first != nil && time.Since(first.Value.(*guest).since) >= age {
			gone = first.Value.(*guest)
		}
		d.mu.Unlock()
		if gone == nil {
			return
		}
		_ = gone.Close() // as above
	}
}

// wait waits until something changes, for so long at most (0: for ever). False says that the door is closed.
func (d *Door) wait(most time.Duration) bool {
	var over <-chan time.Time
	if most > 0 {
		timer := time.NewTimer(most)
		defer timer.Stop()
		over = timer.C
	}
	select {
	case <-d.closed:
		return false
	case <-d.changed:
	case <-over:
	}
	return true
}

func (d *Door) trouble(text string, attrs ...any) {
	if now := time.Now(); now.Sub(d.told[text]) >= doorLogPause {
		d.told[text] = now
		d.log.Warn(text, attrs...)
	}
}

// Connections is how many are let in, and how many can be.
func (d *Door) Connections() (open, most int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.most > 0 {
		return min(d.open, d.most), d.most // one more may wait at the door
	}
	return d.open, 0
}

// Close ends Accept. Connections stay.
func (d *Door) Close() error {
	d.closing.Do(func() { close(d.closed) })
	return d.Listener.Close()
}

// state follows a connection as net/http sees it.
func (d *Door) state(conn net.Conn, state http.ConnState) {
	g, ok := conn.(*guest)
	if !ok {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	switch state {
	case http.StateIdle:
		g.stand(&d.idle)
		d.change()
	case http.StateActive:
		g.stand(nil)
	}
}

// heard notes the first byte of a request, and each that comes of a body.
func (d *Door) heard(g *guest) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch g.where {
	case &d.idle, &d.fresh:
		g.stand(&d.begun)
	case &d.body:
		g.stand(&d.body)
	}
}

// change wakes who waits for room.
func (d *Door) change() {
	select {
	case d.changed <- struct{}{}:
	default:
	}
}

// guestKey is the connection in a request's context.
type guestKey struct{}

func (d *Door) context(ctx context.Context, conn net.Conn) context.Context {
	return context.WithValue(ctx, guestKey{}, conn)
}
