package fcgi

import (
	"bytes"
	"container/list"
	"context"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// guest is a connection that a door has let in.
type guest struct {
	net.Conn
	door    *Door
	closing sync.Once
	err     error

	// Of the door's mutex.
	since time.Time  // when it came to its place
	where *list.List // idle, fresh, begun, body or none of them
	place *list.Element
	gone  bool

	gaveWay bool // the door closes it for another

	chunked chunkedScan
}

// stand puts it at the end of a list, nil for none. The door's mutex is held.
func (g *guest) stand(where *list.List) {
	if g.place != nil {
		g.where.Remove(g.place)
	}
	g.where, g.place, g.since = where, nil, time.Now()
	if where != nil && !g.gone {
		g.place = where.PushBack(g)
	}
}

// Read passes on what comes. A connection is neither idle nor fresh from its first byte on; net/http
// tells only when the head of the request is there.
func (g *guest) Read(p []byte) (int, error) {
	n, err := g.Conn.Read(p)
	if n > 0 {
		g.door.heard(g)
		g.chunked.look(p[:n])
	}
	return n, err
}

// awaitBody says that a request's body is being waited for.
func (g *guest) awaitBody() {
	d := g.door
	d.mu.Lock()
	defer d.mu.Unlock()
	if g.where != nil || g.gone || g.gaveWay {
		return
	}
	g.stand(&d.body)
	if d.body.Len() == 1 {
		d.change() // who waits for room did not know of one that may stall
	}
}

// bodyCame ends this. False says that the connection has given way to another meanwhile, whatever has come.
func (g *guest) bodyCame() bool {
	d := g.door
	d.mu.Lock()
	defer d.mu.Unlock()
	if g.where == &d.body {
		g.stand(nil)
	}
	return !g.gaveWay
}

// Close closes it, and gives its place to another.
func (g *guest) Close() error {
	g.closing.Do(func() {
		g.err = g.Conn.Close()
		d := g.door
		d.mu.Lock()
		defer d.mu.Unlock()
		g.gone = true
		g.stand(nil)
		d.open--
		d.change()
	})
	return g.err
}

// ReadFrom and CloseWrite are what net/http finds in a TCP connection: the first sends files without a
// copy, the second lets a client read the end of a response before the connection is reset.
func (g *guest) ReadFrom(r io.Reader) (int64, error) {
	if to, ok := g.Conn.(io.ReaderFrom); ok {
		return to.ReadFrom(r)
	}
	return io.Copy(struct{ io.Writer }{g.Conn}, r)
}

func (g *guest) CloseWrite() error {
	if half, ok := g.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// chunkedScan looks for lines that begin as a Transfer-Encoding field does. net/http ignores the field
// in a request of HTTP/1.0, and whoever stands in front may not (RFC 9112, section 6.1). A body that has
// such a line costs no more than the connection.
type chunkedScan struct {
	matched int
	found   atomic.Bool
}

const chunkedField = "\ntransfer-encoding"

func (c *chunkedScan) look(p []byte) {
	for len(p) > 0 {
		if c.matched == 0 {
			end := bytes.IndexByte(p, '\n')
			if end < 0 {
				return
			}
			p, c.matched = p[end+1:], 1
			continue
		}
		letter := p[0]
		if 'A' <= letter && letter <= 'Z' {
			letter |= 0x20
		}
		if letter != chunkedField[c.matched] {
			c.matched = 0 // the byte may begin anew
			continue
		}
		p = p[1:]
		if c.matched++; c.matched == len(chunkedField) {
			c.found.Store(true)
			c.matched = 0
		}
	}
}

// guestOf is the connection of a request, nil where it has come through no door.
func guestOf(ctx context.Context) *guest {
	g, _ := ctx.Value(guestKey{}).(*guest)
	return g
}

// doubtful tells whether somebody else may see another end of the request than net/http.
func doubtful(ctx context.Context) bool {
	g := guestOf(ctx)
	return g != nil && g.chunked.found.Load()
}

// resetConnection has the connection of a request end with a reset.
func resetConnection(ctx context.Context) {
	if g := guestOf(ctx); g != nil {
		if conn, ok := g.Conn.(interface{ SetLinger(int) error }); ok {
			_ = conn.SetLinger(0) // it is over anyway
		}
	}
}
