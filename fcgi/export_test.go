package fcgi

import (
	"context"
	"net"
)

// What the tests that stand outside of this package need of its inside.
const MaxStderrLine = maxStderrLine

var (
	ErrIdle = errIdle
	IsToken = isToken
)

// Receive reads the response to a request that was sent on conn.
func Receive(conn net.Conn, method string) (*Response, error) {
	ctx, cancel := context.WithCancelCause(context.Background())
	client := &Client{Stderr: func(string) {}}
	x := &exchange{ctx: ctx, cancel: cancel, conn: conn,
		unwatch: func() bool { return true }, sent: make(chan struct{}), done: make(chan struct{}), over: make(chan struct{})}
	close(x.done)
	return client.receive(x, &Request{Params: Params{{"REQUEST_METHOD", method}}})
}
