package front

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"syscall"

	"launcher/fcgi"
)

var (
	errBodyTooLarge = errors.New("request body is too large")
	errSpoolsFull   = errors.New("request bodies take all the room that they have together")
)

// spools are bodies in files without a name: of requests, whose length a worker must know before it starts, and of
// responses. No worker is held while a body comes from a client or goes to one.
type spools struct {
	dir        string
	each, room int64 // bytes of one body, and of all

	mu   sync.Mutex
	used int64
}

// spool is one of them. Close gives its room back.
type spool struct {
	file   *os.File
	owner  *spools
	length int64
	room   int64 // taken for it
}

// store reads a body to its end; what is known of its length has to have room. That is not kept for it: what clients
// announce and do not send is in nobody's way. The errors of the file differ from those of the client.
func (s *spools) store(body io.Reader, length int64) (*spool, error) {
	if length > s.each {
		return nil, errBodyTooLarge
	}
	if !s.hasRoom(length) {
		return nil, errSpoolsFull
	}
	b, err := s.create()
	if err != nil {
		return nil, &spoolError{err}
	}
	if err := b.fill(body); err != nil {
		return nil, errors.Join(err, b.Close())
	}
	return b, nil
}

func (s *spools) create() (*spool, error) {
	file, err := os.CreateTemp(s.dir, "request-body-*")
	if err != nil {
		return nil, err
	}
	// Without a name it is gone with its descriptor, whatever happens.
	if err := os.Remove(file.Name()); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return &spool{file: file, owner: s}, nil
}

func (b *spool) fill(body io.Reader) error {
	_, err := io.Copy(b, body)
	var failed *spoolError
	switch {
	case errors.Is(err, errBodyTooLarge), errors.Is(err, errSpoolsFull), errors.As(err, &failed):
		return err
	case err != nil:
		return fmt.Errorf("%w: %w", fcgi.ErrRequestBody, err)
	}
	if _, err := b.file.Seek(0, io.SeekStart); err != nil {
		return &spoolError{err}
	}
	return nil
}

// Write stores a piece, within both bounds.
func (b *spool) Write(p []byte) (int, error) {
	size := int64(len(p))
	if b.length+size > b.owner.each {
		return 0, errBodyTooLarge
	}
	if err := b.take(b.length + size - b.room); err != nil {
		return 0, err
	}
	b.length += size
	n, err := b.file.Write(p)
	if err != nil {
		return n, &spoolError{err}
	}
	return n, nil
}

// take has more room taken for it.
func (b *spool) take(size int64) error {
	if size <= 0 {
		return nil
	}
	if !b.owner.take(size) {
		return errSpoolsFull
	}
	b.room += size
	return nil
}

// rewind empties it, and gives its room back.
func (b *spool) rewind() error {
	b.owner.take(-b.room)
	b.room, b.length = 0, 0
	if err := b.file.Truncate(0); err != nil {
		return &spoolError{err}
	}
	if _, err := b.file.Seek(0, io.SeekStart); err != nil {
		return &spoolError{err}
	}
	return nil
}

func (b *spool) Read(p []byte) (int, error) { return b.file.Read(p) }

// Close frees the file and its room.
func (b *spool) Close() error {
	b.owner.take(-b.room)
	b.room = 0
	return b.file.Close()
}

func (s *spools) take(size int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if size > 0 && s.used+size > s.room {
		return false
	}
	s.used += size
	return true
}

func (s *spools) hasRoom(size int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.used+size <= s.room
}

// CheckSpool says why bodies cannot be stored, if they cannot.
func (h *Handler) CheckSpool() error {
	b, err := h.spools.create()
	if err != nil {
		return &spoolError{err}
	}
	return b.Close()
}

// spoolError is an error of the file or of its folder.
type spoolError struct{ err error }

func (e *spoolError) Error() string {
	return fmt.Sprintf("store body in the folder for temporary files (TMPDIR): %v", e.err)
}
func (e *spoolError) Unwrap() error { return e.err }

// full tells whether there is no room for it, which passes.
func (e *spoolError) full() bool {
	return errors.Is(e.err, syscall.ENOSPC) || errors.Is(e.err, syscall.EDQUOT) || errors.Is(e.err, syscall.EFBIG)
}
