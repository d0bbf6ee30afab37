package front

import (
	"context"
	"net/http"
	"time"
)

// net/http drops a request that it reads while it shuts down. On a new connection that is one that its client has just sent, as all who
// connect do, so the shutdown waits for the first request of each.

// firstPause is the time from one look at that to the next.
const firstPause = 5 * time.Millisecond

// firstCame notes the first request of a connection, or its end. The listener's mutex is held.
func (c *conn) firstCame() {
	if !c.came {
		c.came = true
		c.listener.first--
	}
}

// noteFirst has a handler tell of the first request of each connection, and that it has a request.
func noteFirst(handler http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c, _ := r.Context().Value(connKey{}).(*conn); c != nil {
			c.listener.mu.Lock()
			c.firstCame()
			c.listener.mu.Unlock()
			c.asking.pending.Store(false)
			if c.listener.draining.Load() && r.ProtoMajor == 2 {
				w.Header().Set("Connection", "close") // HTTP/2 has GOAWAY for that, and the connection makes room
			}
		}
		if r.Method == http.MethodOptions && r.RequestURI == "*" {
			leaveBody(w, r) // the server is asked, and not the application
			return
		}
		handler.ServeHTTP(w, r)
	})
}

// awaitFirst waits until the first request of each connection has reached the handler, or its connection has ended, unless the context
// ends before.
func (l *Listener) awaitFirst(ctx context.Context) {
	for {
		l.mu.Lock()
		waiting := l.first
		l.mu.Unlock()
		if waiting == 0 {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(firstPause):
		}
	}
}
