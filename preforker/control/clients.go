package control

import (
	"context"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// clients bounds the clients that are talked to at once. Where there are as many already, those
// that have said nothing make room for the next one.
type clients struct {
	places chan struct{}

	mu      sync.Mutex
	talking []*client // the oldest first
}

type client struct {
	conn  net.Conn
	since time.Time
	asked atomic.Bool // it has said what it wants
}

func newClients() *clients {
	return &clients{places: make(chan struct{}, maxClients)}
}

// admit waits for a place. False: the context has ended.
func (c *clients) admit(ctx context.Context, conn net.Conn) (*client, bool) {
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
		case <-ctx.Done():
			return nil, false
		}
	}
	from := &client{conn: conn, since: time.Now()}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.talking = append(c.talking, from)
	return from, true
}

// closeSilent ends the conversation with the oldest client that has had time to say something.
func (c *clients) closeSilent() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, from := range c.talking {
		if !from.asked.Load() && time.Since(from.since) >= silence {
			_ = from.conn.Close() // its goroutine notices
			c.talking = slices.Delete(c.talking, i, i+1)
			return
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
