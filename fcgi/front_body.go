package fcgi

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"
	"time"
)

var (
	errBodyTooLarge = errors.New("request body of unknown length is too large")
	errInterrupted  = errors.New("request is over")
)

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

// spool writes a body of unknown length to a file without a name, since a
// worker must know the length before it starts. No worker is held meanwhile.
func spool(body io.Reader, dir string, limit int64) (file *os.File, length int64, err error) {
	file, err = os.CreateTemp(dir, "request-body-*")
	if err != nil {
		return nil, 0, fmt.Errorf("create spool file: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, file.Close())
		}
	}()
	// Without a name it is gone with its descriptor, whatever happens.
	if err := os.Remove(file.Name()); err != nil {
		return nil, 0, fmt.Errorf("unlink spool file: %w", err)
	}
	length, err = io.Copy(&spoolWriter{file: file, left: limit}, body)
	var failed *spoolError
	switch {
	case errors.Is(err, errBodyTooLarge), errors.As(err, &failed):
		return nil, 0, err
	case err != nil:
		return nil, 0, fmt.Errorf("%w: %w", ErrRequestBody, err)
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return nil, 0, fmt.Errorf("rewind spool file: %w", err)
	}
	return file, length, nil
}

// spoolWriter is a file with a bound. Its errors differ from those of the
// client that is read from.
type spoolWriter struct {
	file *os.File
	left int64
}

type spoolError struct{ err error }

func (e *spoolError) Error() string { return fmt.Sprintf("write spool file: %v", e.err) }
func (e *spoolError) Unwrap() error { return e.err }

func (s *spoolWriter) Write(p []byte) (int, error) {
	if int64(len(p)) > s.left {
		return 0, errBodyTooLarge
	}
	s.left -= int64(len(p))
	n, err := s.file.Write(p)
	if err != nil {
		return n, &spoolError{err}
	}
	return n, nil
}
