package fcgi

import "sync"

// Call is a request under way as others see it who want it to end. Its zero value is that of one that has not begun.
// What it is told holds for each connection that the request is sent over.
type Call struct {
	mu      sync.Mutex
	current *exchange
	aborted bool
	reason  error // why it was given up
}

// Abort tells the application that nobody waits for its response any more
// (ABORT_REQUEST), once the body is sent. The response is read on, to its end.
func (c *Call) Abort() {
	c.mu.Lock()
	c.aborted = true
	current := c.current
	c.mu.Unlock()
	if current != nil {
		current.abort()
	}
}

// Aborted tells whether the application was told so.
func (c *Call) Aborted() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.aborted
}

// GiveUp has the request fail for this reason, wherever it is.
func (c *Call) GiveUp(reason error) {
	c.mu.Lock()
	c.reason = reason
	current := c.current
	c.mu.Unlock()
	if current != nil {
		current.stop(reason)
	}
}

// attach says what the request is sent over from here on.
func (c *Call) attach(x *exchange) {
	if c == nil {
		return
	}
	c.mu.Lock()
	c.current = x
	aborted, reason := c.aborted, c.reason
	c.mu.Unlock()
	if aborted {
		x.abort()
	}
	if reason != nil {
		x.stop(reason)
	}
}
