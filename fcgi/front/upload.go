package front

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"launcher/fcgi"
)

var (
	errInterrupted = errors.New("request is over")
	errEvicted     = errors.New("connection gave way to another")
)

// upload is the body of a client's request. Every read has a deadline, since a
// client that stalls would hold a worker. It is read by one goroutine and
// interrupted by another. nil is that of a request without a body.
type upload struct {
	rc    *http.ResponseController
	conn  *conn // nil where no Listener has accepted it, or it has other requests beside this one
	body  io.Reader
	stall time.Duration
	begin time.Time

	mu     sync.Mutex
	length int64 // -1 where unknown
	read   int64
	eof    bool
	over   bool // interrupted
}

func newUpload(w http.ResponseWriter, r *http.Request, stall time.Duration) *upload {
	if r.ContentLength == 0 {
		return nil
	}
	u := &upload{rc: http.NewResponseController(w), body: r.Body, stall: stall, begin: time.Now(), length: r.ContentLength}
	if !r.ProtoAtLeast(2, 0) {
		u.conn = connOf(r.Context())
	}
	return u
}

func (u *upload) Read(p []byte) (int, error) {
	u.mu.Lock()
	if u.over {
		u.mu.Unlock()
		return 0, errInterrupted
	}
	u.deadline(u.nextDeadline())
	u.mu.Unlock()

	n, err := u.receive(p)

	u.mu.Lock()
	defer u.mu.Unlock()
	u.read += int64(n)
	u.eof = u.eof || errors.Is(err, io.EOF)
	if u.finished() && !u.over {
		// From here on the server reads on its own, to notice when the client
		// goes away, and that may take as long as it likes.
		u.deadline(time.Time{})
	}
	return n, err
}

// nextDeadline is when the next piece has to be there: a while after this one, and so that all of them come at a
// least rate.
func (u *upload) nextDeadline() time.Time {
	next, enough := time.Now().Add(u.stall), u.begin.Add(u.stall+time.Duration(u.read/minUploadRate)*time.Second)
	if enough.Before(next) {
		return enough
	}
	return next
}

// minUploadRate is the rate of a body, in bytes a second, below which its client loses the connection.
const minUploadRate = 500

// receive waits for a piece of the body. Only meanwhile may the connection give way to others: a worker that
// takes its time is not the client's fault.
func (u *upload) receive(p []byte) (int, error) {
	if u.conn == nil {
		return u.body.Read(p)
	}
	u.conn.awaitBody()
	n, err := u.body.Read(p)
	if !u.conn.bodyReceived() {
		return 0, errEvicted
	}
	return n, err
}

// Close does nothing: net/http closes the body.
func (u *upload) Close() error { return nil }

// interrupt makes a pending Read return, and later ones fail.
func (u *upload) interrupt() {
	u.mu.Lock()
	defer u.mu.Unlock()
	if !u.finished() {
		u.over = true
		u.deadline(time.Unix(1, 0))
	}
}

// linger bounds what net/http does after the handler with a body that was not
// read: it takes a part of it, so that the client sees the response before the
// connection is reset.
func (u *upload) linger() {
	if u == nil {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if !u.finished() {
		u.over = true
		u.deadline(time.Now().Add(lingerTime))
	}
}

// begun tells whether something of the body was read.
func (u *upload) begun() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.read > 0 || u.eof
}

// complete tells whether all of the body was read. Where it was not, the
// connection cannot carry another request.
func (u *upload) complete() bool {
	if u == nil {
		return true
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.finished()
}

func (u *upload) finished() bool { return u.eof || u.length >= 0 && u.read >= u.length }

// deadline is not supported by the writers of tests, which do not stall either.
func (u *upload) deadline(t time.Time) { _ = u.rc.SetReadDeadline(t) }

// smallBody is what is kept in memory of a body.
const smallBody = 16 << 10

// collected is the body of a request for a worker: in memory, in a file, or as it comes from the client.
type collected struct {
	content  []byte
	rest     io.ReadCloser // in the place of it, of this length
	length   int64
	streamed bool // from the client
}

// Close frees what it takes.
func (c *collected) Close() error {
	if c.rest == nil {
		return nil
	}
	return c.rest.Close()
}

// collect returns the body once all of it is there, because a worker is held from the first byte that it gets, and
// may be for as long as a client likes. A small one is in memory, others are spooled. Where no file can be made at
// all, one that has a length is passed on as it comes.
func (h *Handler) collect(w http.ResponseWriter, r *http.Request, up *upload) (collected, error) {
	switch {
	case r.ContentLength == 0:
		return collected{}, nil
	case r.ContentLength > h.config.MaxBody:
		return collected{}, errBodyTooLarge
	case r.ContentLength < 0:
		return asBody(h.spools.store(up, 0))
	case r.ContentLength <= smallBody:
		content := make([]byte, r.ContentLength)
		if _, err := io.ReadFull(up, content); err != nil {
			return collected{}, fmt.Errorf("%w: %w", fcgi.ErrRequestBody, err)
		}
		return collected{content: content}, nil
	}
	stored, err := h.spools.store(up, r.ContentLength)
	var failed *spoolError
	if !errors.As(err, &failed) || failed.full() || up.begun() {
		return asBody(stored, err)
	}
	// The body is read while the response is written. Without this the server would swallow the rest
	// of the body first.
	_ = http.NewResponseController(w).EnableFullDuplex() // only HTTP/1 has and needs it
	return collected{rest: up, length: r.ContentLength, streamed: true}, nil
}

func asBody(stored *spool, err error) (collected, error) {
	if err != nil {
		return collected{}, err
	}
	return collected{rest: stored, length: stored.length}, nil
}
