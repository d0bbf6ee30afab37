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
	errBodyTooLarge = errors.New("request body of unknown length is too large")
	errSpoolsFull   = errors.New("request bodies of unknown length take all the room that they have together")
)

// spools are bodies in files without a name. A worker must know the length before it starts, and is
// not held while a body comes.
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

// store reads a body to its end. Room for what is known of its length is taken before. The errors of the
// file differ from those of the client.
func (s *spools) store(body io.Reader, length int64) (*spool, error) {
	if length > s.each {
		return nil, errBodyTooLarge
	}
	b, err := s.create()
	if err != nil {
		return nil, &spoolError{err}
	}
	if err := b.take(length); err != nil {
		return nil, errors.Join(err, b.Close())
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

// CheckSpool says why bodies of unknown length cannot be stored, if they cannot.
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
	return fmt.Sprintf("store request body in the folder for temporary files (TMPDIR): %v", e.err)
}
func (e *spoolError) Unwrap() error { return e.err }

// full tells whether there is no room for it, which passes.
func (e *spoolError) full() bool {
	return errors.Is(e.err, syscall.ENOSPC) || errors.Is(e.err, syscall.EDQUOT) || errors.Is(e.err, syscall.EFBIG)
}
