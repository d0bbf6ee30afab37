package front

import (
	"context"
	"time"
)

// net/http closes every kept connection at once when it is to shut down, also one on which a request has arrived that it has not read
// yet, and drops what it reads afterwards: the client is reset. So the connections end before: with a response that says
// so, or where no request comes on them for a moment.

// endPause is the time from one look at that to the next.
const endPause = 5 * time.Millisecond

// awaitEnd waits until all connections of a listener that drains have ended, unless the context ends before.
func (l *Listener) awaitEnd(ctx context.Context) {
	for {
		l.closeSilent()
		l.mu.Lock()
		open := l.open
		l.mu.Unlock()
		if open == 0 {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(endPause):
		}
	}
}
