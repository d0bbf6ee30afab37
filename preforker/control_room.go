package preforker

import (
	"context"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// controlRoom bounds the clients of the control socket that are talked to at once. Where it is full, those that
// have said nothing make room for the next one.
type controlRoom struct {
	places chan struct{}

	mu      sync.Mutex
	clients []*controlClient // the oldest first
}

type controlClient struct {
	conn  net.Conn
	since time.Time
	asked atomic.Bool // it has said what it wants
}

func newControlRoom() *controlRoom {
	return &controlRoom{places: make(chan struct{}, controlConnections)}
}

// enter waits for a place. False: the context has ended.
func (r *controlRoom) enter(ctx context.Context, conn net.Conn) (*controlClient, bool) {
	for entered := false; !entered; {
		select {
		case r.places <- struct{}{}:
			entered = true
			continue
		default:
			r.dismiss()
		}
		select {
		case r.places <- struct{}{}:
			entered = true
		case <-time.After(controlGrace): // another may be dismissed by then
		case <-ctx.Done():
			return nil, false
		}
	}
	client := &controlClient{conn: conn, since: time.Now()}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.clients = append(r.clients, client)
	return client, true
}

// dismiss ends the conversation with the oldest client that has had time to say something.
func (r *controlRoom) dismiss() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, client := range r.clients {
		if !client.asked.Load() && time.Since(client.since) >= controlGrace {
			_ = client.conn.Close() // its goroutine notices
			r.clients = slices.Delete(r.clients, i, i+1)
			return
		}
	}
}

func (r *controlRoom) leave(client *controlClient) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if i := slices.Index(r.clients, client); i >= 0 {
		r.clients = slices.Delete(r.clients, i, i+1)
	}
	<-r.places
}
