package fcgi

import (
	"errors"
	"io"
	"net/http"
	"sync"
	"time"
)

var errInterrupted = errors.New("request is over")

// upload is the body of a client's request. Every read has a deadline, since a
// client that stalls would hold a worker. It is read by one goroutine and
// interrupted by another.
type upload struct {
	rc    *http.ResponseController
	body  io.Reader
	stall time.Duration

	mu     sync.Mutex
	length int64 // -1 where unknown
	read   int64
	eof    bool
	over   bool // interrupted
}

func newUpload(w http.ResponseWriter, r *http.Request, stall time.Duration) *upload {
	return &upload{rc: http.NewResponseController(w), body: r.Body, stall: stall, length: r.ContentLength}
}

func (u *upload) Read(p []byte) (int, error) {
	u.mu.Lock()
	if u.over {
		u.mu.Unlock()
		return 0, errInterrupted
	}
	u.deadline(time.Now().Add(u.stall))
	u.mu.Unlock()

	n, err := u.body.Read(p)

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
	u.mu.Lock()
	defer u.mu.Unlock()
	if !u.finished() {
		u.over = true
		u.deadline(time.Now().Add(lingerTime))
	}
}

// complete tells whether all of the body was read. Where it was not, the
// connection cannot carry another request.
func (u *upload) complete() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.finished()
}

func (u *upload) finished() bool { return u.eof || u.length >= 0 && u.read >= u.length }

// deadline is not supported by the writers of tests, which do not stall either.
func (u *upload) deadline(t time.Time) { _ = u.rc.SetReadDeadline(t) }
