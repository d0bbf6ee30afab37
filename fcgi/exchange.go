package fcgi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
)

// exchange owns the connection of one request and the goroutine that sends its
// body.
type exchange struct {
	ctx       context.Context
	cancel    context.CancelCauseFunc
	conn      net.Conn
	unwatch   func() bool
	interrupt func()

	sent    chan struct{} // closed when sendErr is known
	sendErr error
	done    chan struct{} // closed when the sender has ended
	over    chan struct{} // closed when nobody reads the response any more
	ending  sync.Once
}

// sendBuffer is the size of the pieces of a request body.
const sendBuffer = 32 << 10

// send runs beside the reading of the response, because an application may
// answer while it still reads. It stays for an abort.
func (x *exchange) send(body io.Reader, length int64, abort <-chan struct{}) {
	defer close(x.done)
	x.sendErr = x.copyBody(body, length)
	close(x.sent)
	switch {
	case errors.Is(x.sendErr, ErrRequestBody):
		x.abort()
	case abort != nil:
		select {
		case <-abort:
			x.abort()
		case <-x.over:
		}
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

// abort tells the application that the rest of the body will never come,
// specification section 5.4, and closes this direction for those that read
// STDIN without looking at record types. The response is still read: its end
// says that the worker is free.
func (x *exchange) abort() {
	if _, err := x.conn.Write(AppendRecord(nil, TypeAbortRequest, requestID, nil)); err != nil {
		return // the peer is gone, which the reading side reports
	}
	if half, ok := x.conn.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite() // as above
	}
}

// explain turns an error of the connection into what caused it.
func (x *exchange) explain(err error) error {
	err = cause(x.ctx, err)
	select {
	case <-x.sent:
		if errors.Is(x.sendErr, ErrRequestBody) {
			return fmt.Errorf("%w (%w)", x.sendErr, err)
		}
	default:
	}
	return err
}

// close ends the exchange and waits for the sender.
func (x *exchange) close() {
	x.unwatch()
	x.ending.Do(func() { close(x.over) })
	_ = x.conn.Close() // nothing is buffered on our side
	select {
	case <-x.sent:
	case <-x.done:
	default:
		if x.interrupt != nil {
			x.interrupt()
		}
	}
	<-x.done
	x.cancel(context.Canceled)
}
