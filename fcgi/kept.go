package fcgi

import (
	"errors"
	"sync"
	"time"
)

const (
	// keepTime is how long a connection lasts: so long that to make one counts for nothing, and so short that no worker has
	// one in hand for long that has no request.
	keepTime = time.Second
	// unreadTime is how often it is looked at: a request that nobody has read in between is taken elsewhere.
	unreadTime = 250 * time.Millisecond
	// maxKeptHead is what a unix socket hands over in one piece.
	maxKeptHead = 32 << 10
)

// errUnread says that nobody has read the request.
var errUnread = errors.New("request was not read")

// Kept is the connection to an application between two requests (FCGI_KEEP_CONN). Its zero value has none. It is for one
// request at a time, and for those that change nothing, have no body, and are no larger than what a unix socket hands over in one piece:
// there the kernel tells what was not read.
//
//   - To write fails where the application has closed the connection before.
//   - To read fails with ECONNRESET where the application closes it with something unread (unix_release_sock). The end of the stream,
//     on the other hand, says that it has read the request, and died.
//   - What lies unread for a while has no reader: the application is busy with somebody else, or is gone, and a process that it
//     has started holds the connection open.
//
// In all of these cases the request is sent anew over a connection of its own. Only in the last one it may be read twice: by an
// application that was busy, and finds that nobody waits any more.
type Kept struct {
	mu     sync.Mutex
	conn   stream // with no request
	until  time.Time
	reused *exchange // over a connection that was kept
	seen   *exchange // the same when it was looked at last
	timer  *time.Timer
	closed bool
}

// take returns the connection, nil where there is none, and until when it lasts.
func (k *Kept) take() (conn stream, until time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	conn, k.conn = k.conn, nil
	return conn, k.until
}

// begin says that a request is under way over a connection that was kept.
func (k *Kept) begin(x *exchange) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.reused = x
	k.watch()
}

// end says that a request is over, and takes its connection back; nil where it was closed.
func (k *Kept) end(x *exchange, conn stream) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.reused == x {
		k.reused, k.seen = nil, nil
	}
	if conn == nil {
		return
	}
	if k.closed || k.conn != nil || !time.Now().Before(x.until) {
		_ = conn.Close() // there is no request on it
		return
	}
	k.conn, k.until = conn, x.until
	k.watch()
}

// watch has it looked at in a while. The mutex is held.
func (k *Kept) watch() {
	if k.timer == nil {
		k.timer = time.AfterFunc(unreadTime, k.look)
	}
}

// look closes a connection whose time is over, and stops a request that nobody has read since the last time.
func (k *Kept) look() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.timer = nil
	if k.conn != nil && !time.Now().Before(k.until) {
		k.closeIdle()
	}
	if k.reused != nil && k.reused == k.seen {
		k.reused.stopUnread()
	}
	k.seen = k.reused
	if k.conn != nil || k.reused != nil {
		k.watch()
	}
}

func (k *Kept) closeIdle() {
	_ = k.conn.Close() // there is no request on it
	k.conn = nil
}

// Drop closes the connection, since the next request is to be sent over another.
func (k *Kept) Drop() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.conn != nil {
		k.closeIdle()
	}
}

// Close closes the connection, and what is kept later at once. A request that is under way goes on.
func (k *Kept) Close() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.closed = true
	if k.conn != nil {
		k.closeIdle()
	}
	if k.timer != nil && k.reused == nil && k.timer.Stop() {
		k.timer = nil
	}
}
