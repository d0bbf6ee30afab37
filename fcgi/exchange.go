package fcgi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
)

// stream is what an exchange needs of a connection.
type stream interface {
	io.ReadWriteCloser
	SetDeadline(t time.Time) error
}

// exchange owns the connection of one request, and the goroutine that sends its
// body where that does not leave with the head.
type exchange struct {
	conn      stream
	unwatch   func() bool // nil where no context is watched
	interrupt func()

	sent    chan struct{} // closed when sendErr is known; nil without a sender
	sendErr error
	done    chan struct{} // closed when the sender has ended; nil without one

	mu      sync.Mutex
	reason  error // why it was stopped
	sending bool  // the request is not sent to its end
	aborted bool  // somebody has asked for an abort
	over    bool  // the connection is not its own any more

	kept  *Kept     // nil where connections are not kept
	until time.Time // the connection may be kept until then; zero where not
}

// sendBuffer is the size of the pieces of a request body.
const sendBuffer = 32 << 10

// watch has the exchange stopped when a context is done.
func (x *exchange) watch(ctx context.Context) {
	if ctx.Done() != nil {
		x.unwatch = context.AfterFunc(ctx, func() { x.stop(context.Cause(ctx)) })
	}
}

// stop makes every pending and later operation on the connection fail, with this reason.
func (x *exchange) stop(reason error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.stopLocked(reason)
}

func (x *exchange) stopLocked(reason error) {
	if x.over {
		return
	}
	if x.reason == nil {
		x.reason = reason
	}
	_ = x.conn.SetDeadline(time.Unix(1, 0)) // the error would say that it is closed already
}

// stopUnread stops it where nothing of the request was read. What was written last is an abort where there was one, and says nothing then.
func (x *exchange) stopUnread() {
	x.mu.Lock()
	defer x.mu.Unlock()
	conn, ok := x.conn.(interface{ unread() (int, error) })
	if !ok || x.over || x.aborted {
		return
	}
	if bytes, err := conn.unread(); err == nil && bytes > 0 {
		x.stopLocked(errUnread)
	}
}

// cause replaces the time-out that stop has produced by its reason.
func (x *exchange) cause(err error) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.reason != nil && isTimeout(err) {
		return x.reason
	}
	return err
}

// start has the body sent beside the reading of the response, because an application may
// answer while it still reads.
func (x *exchange) start(body io.Reader, length int64) {
	x.sent, x.done = make(chan struct{}), make(chan struct{})
	go x.send(body, length)
}

func (x *exchange) send(body io.Reader, length int64) {
	defer close(x.done)
	x.sendErr = x.copyBody(body, length)
	close(x.sent)
	x.endSending(errors.Is(x.sendErr, ErrRequestBody))
}

// endSending says that nothing of the request follows, and tells the application where the rest will never come.
func (x *exchange) endSending(incomplete bool) {
	x.mu.Lock()
	x.sending = false
	aborted := x.aborted || incomplete
	x.mu.Unlock()
	if aborted {
		x.writeAbort()
	}
}

// copyBody sends the body as STDIN records and ends the stream.
func (x *exchange) copyBody(body io.Reader, length int64) error {
	buf := make([]byte, min(length, sendBuffer))
	out := make([]byte, 0, len(buf)+2*HeaderLen)
	for left := length; left > 0; {
		n, readErr := body.Read(buf[:min(left, int64(len(buf)))])
		left -= int64(n)
		if n > 0 {
			out = AppendRecord(out[:0], TypeStdin, requestID, buf[:n])
			if left == 0 {
				out = AppendRecord(out, TypeStdin, requestID, nil)
			}
			if _, err := x.conn.Write(out); err != nil {
				return fmt.Errorf("send request body: %w", err)
			}
		}
		if readErr != nil && left > 0 {
			return fmt.Errorf("%w: %w, %d bytes are missing", ErrRequestBody, unexpectedEOF(readErr), left)
		}
	}
	return nil
}

// abort tells the application that nobody waits for its response any more, once the request is sent.
func (x *exchange) abort() {
	x.mu.Lock()
	first := !x.aborted && !x.over
	x.aborted = true
	sending := x.sending
	x.mu.Unlock()
	if first && !sending {
		x.writeAbort()
	}
}

// wasAborted tells whether the last thing that was written may be an abort, and not the request.
func (x *exchange) wasAborted() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.aborted
}

// writeAbort tells the application that the rest of the body will never come,
// specification section 5.4, and closes this direction for those that read
// STDIN without looking at record types. The response is still read: its end
// says that the worker is free.
func (x *exchange) writeAbort() {
	if _, err := x.conn.Write(AppendRecord(nil, TypeAbortRequest, requestID, nil)); err != nil {
		return // the peer is gone, which the reading side reports
	}
	if half, ok := x.conn.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite() // as above
	}
}

// explain turns an error of the connection into what caused it.
func (x *exchange) explain(err error) error {
	err = x.cause(err)
	if x.sent == nil {
		return err
	}
	select {
	case <-x.sent:
		if errors.Is(x.sendErr, ErrRequestBody) {
			return fmt.Errorf("%w (%w)", x.sendErr, err)
		}
	default:
	}
	return err
}

// close ends the exchange and waits for the sender. Where the response is whole, the connection may be kept.
func (x *exchange) close(whole bool) {
	if x.unwatch != nil {
		x.unwatch()
	}
	if x.release(whole) {
		return
	}
	_ = x.conn.Close() // nothing is buffered on our side
	if x.done == nil {
		return
	}
	select {
	case <-x.sent:
	default:
		if x.interrupt != nil {
			x.interrupt()
		}
	}
	<-x.done
}

// release has the connection kept, if it can be. From here on nobody stops or aborts what comes over it.
func (x *exchange) release(whole bool) (kept bool) {
	x.mu.Lock()
	if x.over {
		x.mu.Unlock()
		return true
	}
	kept = whole && !x.until.IsZero() && !x.aborted && x.reason == nil
	x.over = kept
	x.mu.Unlock()
	if x.kept == nil {
		return false
	}
	if kept {
		x.kept.end(x, x.conn)
	} else {
		x.kept.end(x, nil)
	}
	return kept
}
