package linux

import (
	"errors"
	"io"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// PipeReader is the end of a pipe that this process reads. It takes no buffer while nothing comes.
type PipeReader struct {
	file *os.File
	raw  syscall.RawConn
}

// Pipe makes a pipe: the end to read from, and the other as a file to give to a child. Whoever writes to that waits where
// the pipe is full. The caller closes both.
func Pipe(name string) (*PipeReader, *os.File, error) {
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_CLOEXEC); err != nil {
		return nil, nil, os.NewSyscallError("pipe2", err)
	}
	theirs := os.NewFile(uintptr(fds[1]), name+" (child)")
	// Each end has flags of its own. Go's poller wants this one's before os.NewFile.
	if err := unix.SetNonblock(fds[0], true); err != nil {
		_ = unix.Close(fds[0])
		_ = theirs.Close()
		return nil, nil, os.NewSyscallError("fcntl O_NONBLOCK", err)
	}
	file := os.NewFile(uintptr(fds[0]), name)
	raw, err := file.SyscallConn()
	if err != nil {
		_ = file.Close()
		_ = theirs.Close()
		return nil, nil, err
	}
	return &PipeReader{file: file, raw: raw}, theirs, nil
}

// Await waits until there is something to read, or the end. os.ErrDeadlineExceeded after Interrupt, os.ErrClosed after
// Close.
func (p *PipeReader) Await() error {
	err := p.raw.Read(func(fd uintptr) bool {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 0)
		return n > 0 || err != nil && err != unix.EINTR
	})
	if err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		return err
	}
	return os.ErrClosed // the error that Go has for that is internal/poll's own
}

// Read reads what is there, and does not wait: ErrNothing where nothing is, io.EOF once nobody has the other end any more.
func (p *PipeReader) Read(to []byte) (n int, err error) {
	failed := p.raw.Control(func(fd uintptr) {
		for {
			if n, err = unix.Read(int(fd), to); err != unix.EINTR {
				return
			}
		}
	})
	switch {
	case failed != nil:
		return 0, os.ErrClosed
	case err == unix.EAGAIN:
		return 0, ErrNothing
	case err != nil:
		return 0, os.NewSyscallError("read", err)
	case n == 0:
		return 0, io.EOF
	}
	return n, nil
}

// ErrNothing says that a pipe is empty.
var ErrNothing = errors.New("nothing to read")

// Interrupt ends Await, also one that is called later.
func (p *PipeReader) Interrupt() { _ = p.file.SetReadDeadline(time.Unix(1, 0)) }

// Resume takes Interrupt back.
func (p *PipeReader) Resume() { _ = p.file.SetReadDeadline(time.Time{}) }

// Close closes this end. Whoever writes to the other gets EPIPE.
func (p *PipeReader) Close() error { return p.file.Close() }
