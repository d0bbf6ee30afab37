package fcgi

import (
	"context"
	"errors"
	"net"
	"syscall"
	"time"
)

// Connecting to a full backlog: a unix socket answers EAGAIN at once instead
// of waiting as TCP does (unix(7)), so the wait is ours.
const (
	backlogFirstWait = time.Millisecond
	backlogMaxWait   = 50 * time.Millisecond
	// defaultDialTimeout bounds connecting, the waits for a full backlog
	// included.
	defaultDialTimeout = 2 * time.Second
)

// dial connects within the client's bound. A unix socket connects or refuses at once, and only a full backlog is waited for.
func (c *Client) dial(ctx context.Context) (stream, error) {
	if c.Network == "unix" && ctx.Err() == nil {
		conn, err := connectUnix(c.Address)
		if !errors.Is(err, syscall.EAGAIN) {
			return conn, err
		}
	}
	limit := c.DialTimeout
	if limit <= 0 {
		limit = defaultDialTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return Dial(ctx, c.Network, c.Address)
}

// Dial connects, and retries with growing pauses while the backlog of a unix socket is
// full. Only ctx bounds it.
func Dial(ctx context.Context, network, address string) (net.Conn, error) {
	var dialer net.Dialer
	var full error // the last EAGAIN: it says more than that the time was over
	for wait := backlogFirstWait; ; wait = min(2*wait, backlogMaxWait) {
		conn, err := dialer.DialContext(ctx, network, address)
		switch {
		case errors.Is(err, syscall.EAGAIN):
			full = err
		case err != nil && full != nil && (ctx.Err() != nil || timedOut(err)):
			return nil, full
		default:
			return conn, err
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return nil, full
		}
	}
}

// watch makes every pending and later operation on conn fail once ctx is done.
// The returned function ends the watch.
func watch(ctx context.Context, conn stream) (stop func() bool) {
	return context.AfterFunc(ctx, func() {
		// The error would say that conn is closed already.
		_ = conn.SetDeadline(time.Unix(1, 0))
	})
}

// cause replaces the time-out that a done ctx produced on a connection by the
// reason why ctx ended.
func cause(ctx context.Context, err error) error {
	if ctx.Err() != nil && (isTimeout(err) || errors.Is(err, context.Canceled)) {
		return context.Cause(ctx)
	}
	return err
}

// timedOut says whether the deadline of the context has ended a call, which may be before the context itself says so.
func timedOut(err error) bool {
	var network net.Error
	return errors.As(err, &network) && network.Timeout()
}
