package control

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"sync/atomic"
	"time"
)

// client is a connection whose first line tells whether it speaks HTTP. An older launcher does not, and
// is told so in a way that it understands.
type client struct {
	net.Conn
	since time.Time
	asked atomic.Bool // it has said what it wants, or is asked to come again
	leave func()      // gives its place back, once

	first  []byte // of its first line, until that is known
	known  bool
	spoken atomic.Bool // all was said: nothing more is written
}

// clientKey is where the context of a request has its client.
type clientKey struct{}

// Close ends the conversation.
func (c *client) Close() error {
	err := c.Conn.Close()
	c.leave()
	return err
}

// begin says whether the client is to be served. False: it was dismissed.
func (c *client) begin() bool { return c.asked.CompareAndSwap(false, true) }

// comeAgain is the answer to whom others do not wait for.
var comeAgain = func() []byte {
	text := encode(refusal{Error: "the launcher has heard nothing for a moment, while others waited", Try: "ask again"})
	return fmt.Appendf(nil, "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nContent-Length: %d\r\n%s: %s\r\nConnection: close\r\n\r\n%s",
		len(text), retryHeader, retryAtOnce, text)
}

// The header by which a client is told that it may ask again, as nothing was done.
const (
	retryHeader = "Retry-After"
	retryAtOnce = "0"
)

// dismiss ends the conversation with a client that has not said what it wants. False: it is served. What it has said by halves, or
// says meanwhile, is not carried out.
func (c *client) dismiss() bool {
	if !c.begin() {
		return false
	}
	// The kernel has room for it, as nothing was written before, but the machine may not let this go on at once.
	_ = c.Conn.SetWriteDeadline(time.Now().Add(lineTime))
	_, _ = c.Conn.Write(comeAgain())
	_ = c.Conn.Close() // its goroutine notices
	return true
}

// Read reads on. It is called by one goroutine at a time.
func (c *client) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if c.known {
		return n, err
	}
	c.first = append(c.first, p[:n]...)
	line, _, whole := bytes.Cut(c.first, []byte("\n"))
	whole = whole || len(c.first) > maxHeader || len(c.first) > 0 && errors.Is(err, io.EOF)
	if !whole {
		return n, err
	}
	c.known, c.first = true, nil
	if bytes.Contains(line, []byte(" HTTP/1.")) {
		return n, err
	}
	c.asked.Store(true)
	_ = c.Conn.SetWriteDeadline(time.Now().Add(lineTime))
	_, _ = c.Conn.Write(encode(refusal{
		Error: "this launcher is newer than who asks it: its control socket speaks HTTP",
		Try:   "ask with its own program, or curl --unix-socket log/" + SocketName + " http://launcher/status",
	}))
	c.spoken.Store(true)
	return 0, io.EOF
}

// Write writes, unless all was said.
func (c *client) Write(p []byte) (int, error) {
	if c.spoken.Load() {
		return len(p), nil
	}
	return c.Conn.Write(p)
}
