package front

import (
	"container/list"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// conn is a connection that a Listener has accepted.
type conn struct {
	net.Conn
	listener *Listener
	closing  sync.Once
	err      error

	localHost, localPort string // what it was made to, "" for a unix socket

	// Guarded by the listener's mutex.
	since   time.Time  // when it came to its place
	list    *list.List // idle, fresh, head, body or none of them
	element *list.Element
	closed  bool

	evicted bool // the listener closes it for another

	encrypted bool // what is read is
	chunked   chunkedScan
	asking    asking
}

// moveTo puts it at the end of a list, nil for none. The listener's mutex is held.
func (c *conn) moveTo(to *list.List) {
	if c.element != nil {
		c.list.Remove(c.element)
	}
	c.list, c.element, c.since = to, nil, time.Now()
	if to != nil && !c.closed {
		c.element = to.PushBack(c)
	}
}

// Read passes on what comes. A connection is neither idle nor fresh from its first byte on; net/http
// tells only when the head of the request is there.
func (c *conn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if err != nil && c.asking.pending.Load() {
		c.asking.readFailed(err)
	}
	if n > 0 {
		c.listener.received(c, n)
		if !c.encrypted {
			c.chunked.scan(p[:n])
		}
	}
	return n, err
}

// Write passes on what leaves.
func (c *conn) Write(p []byte) (int, error) {
	if c.asking.pending.Load() {
		c.asking.wrote(p)
	}
	return c.Conn.Write(p)
}

// gaveWay tells whether the connection was closed for another.
func (c *conn) gaveWay() bool {
	if c == nil {
		return false
	}
	c.listener.mu.Lock()
	defer c.listener.mu.Unlock()
	return c.evicted
}

// ends tells whether the connection ends with the response that is yet to be begun: nobody is to make another request on it.
func (c *conn) ends() bool { return c != nil && c.listener.draining.Load() }

// awaitBody says that a request's body is being waited for.
func (c *conn) awaitBody() {
	l := c.listener
	l.mu.Lock()
	defer l.mu.Unlock()
	if c.list != nil || c.closed || c.evicted {
		return
	}
	c.moveTo(&l.body)
	if l.body.Len() == 1 {
		l.notify() // who waits for room did not know of one that may stall
	}
}

// bodyReceived ends this. False says that the connection has given way to another meanwhile, whatever has come.
func (c *conn) bodyReceived() bool {
	l := c.listener
	l.mu.Lock()
	defer l.mu.Unlock()
	if c.list == &l.body {
		c.moveTo(nil)
	}
	return !c.evicted
}

// Close closes it, and makes room for another.
func (c *conn) Close() error {
	c.closing.Do(func() {
		c.err = c.Conn.Close()
		l := c.listener
		l.mu.Lock()
		defer l.mu.Unlock()
		c.closed = true
		c.moveTo(nil)
		l.open--
		l.notify()
	})
	return c.err
}

// ReadFrom and CloseWrite are what net/http finds in a TCP connection: the first sends files without a
// copy, the second lets a client read the end of a response before the connection is reset.
func (c *conn) ReadFrom(r io.Reader) (int64, error) {
	if to, ok := c.Conn.(io.ReaderFrom); ok {
		return to.ReadFrom(r)
	}
	return io.Copy(struct{ io.Writer }{c.Conn}, r)
}

func (c *conn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// below returns the connection that a Listener has accepted, below TLS where there is any; nil for another's.
func below(accepted net.Conn) *conn {
	if secured, ok := accepted.(*tls.Conn); ok {
		accepted = secured.NetConn()
	}
	c, _ := accepted.(*conn)
	return c
}

func http2(accepted net.Conn) bool {
	secured, ok := accepted.(*tls.Conn)
	return ok && secured.ConnectionState().NegotiatedProtocol == "h2"
}

// connKey is the connection in a request's context.
type connKey struct{}

// connOf returns the connection of a request, nil where no Listener has accepted it.
func connOf(ctx context.Context) *conn {
	c, _ := ctx.Value(connKey{}).(*conn)
	return c
}

// ambiguousLength tells whether somebody else may see another end of the request than net/http. Of what is encrypted
// that cannot be seen here.
func ambiguousLength(r *http.Request) bool {
	if r.TLS != nil {
		return !r.ProtoAtLeast(1, 1)
	}
	c := connOf(r.Context())
	return c != nil && c.chunked.found.Load()
}

// resetOnClose has the connection of a request end with a reset.
func resetOnClose(ctx context.Context) {
	if c := connOf(ctx); c != nil {
		if conn, ok := c.Conn.(interface{ SetLinger(int) error }); ok {
			_ = conn.SetLinger(0) // it is over anyway
		}
	}
}
