package control

import (
	"context"
	"net"
	"slices"
	"sync"
	"time"
)

// clients is a listener that bounds the clients that are talked to at once. Where there are as many
// already, those that have said nothing make room for the next one.
type clients struct {
	net.Listener
	ctx    context.Context // ends with the listener
	places chan struct{}
	http   bool // nobody asks but in HTTP

	mu      sync.Mutex
	talking []*client // the oldest first
}

func newClients(ctx context.Context, listener net.Listener) *clients {
	return &clients{Listener: listener, ctx: ctx, places: make(chan struct{}, maxClients)}
}

// Accept returns the next client when there is a place for it.
func (c *clients) Accept() (net.Conn, error) {
	for {
		conn, err := c.Listener.Accept()
		if err == nil {
			return c.admit(conn)
		}
		select {
		case <-c.ctx.Done():
			return nil, net.ErrClosed
		case <-time.After(acceptPause):
		}
	}
}

// admit waits for a place.
func (c *clients) admit(conn net.Conn) (net.Conn, error) {
	for admitted := false; !admitted; {
		select {
		case c.places <- struct{}{}:
			admitted = true
			continue
		default:
			c.closeSilent()
		}
		select {
		case c.places <- struct{}{}:
			admitted = true
		case <-time.After(silence): // another may have been silent for long enough by then
		case <-c.ctx.Done():
			_ = conn.Close() // nothing was said
			return nil, net.ErrClosed
		}
	}
	from := &client{Conn: conn, since: time.Now(), known: c.http}
	from.leave = sync.OnceFunc(func() { c.remove(from) })
	c.mu.Lock()
	defer c.mu.Unlock()
	c.talking = append(c.talking, from)
	return from, nil
}

// closeSilent ends the conversation with the oldest client that has had time to say something.
func (c *clients) closeSilent() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, from := range c.talking {
		if time.Since(from.since) >= silence && from.dismiss() {
			c.talking = slices.Delete(c.talking, i, i+1)
			return
		}
	}
}

// await waits until all who were admitted have their answers, or the context ends. It is called once nobody is admitted any more.
func (c *clients) await(ctx context.Context) {
	for range maxClients {
		select {
		case c.places <- struct{}{}: // which nobody has
		case <-ctx.Done():
			return
		}
	}
}

// closeUnasked ends the conversations with all that have said nothing yet.
func (c *clients) closeUnasked() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, from := range c.talking {
		if !from.asked.Load() {
			_ = from.Conn.Close()
		}
	}
}

func (c *clients) remove(from *client) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if i := slices.Index(c.talking, from); i >= 0 {
		c.talking = slices.Delete(c.talking, i, i+1)
	}
	<-c.places
}
