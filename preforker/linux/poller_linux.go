package linux

import (
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"
)

// poller asks the kernel about many files, for one goroutine that waits and needs no thread for it: its own descriptor is one that can be
// polled. Each file is asked about once, and tells once.
type poller struct {
	file   *os.File
	raw    syscall.RawConn
	closed atomic.Bool // which the runtime's own error does not tell
}

func newPoller() (*poller, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	if err := unix.SetNonblock(fd, true); err != nil { // so that the runtime polls it
		_ = unix.Close(fd)
		return nil, os.NewSyscallError("fcntl", err)
	}
	file := os.NewFile(uintptr(fd), "epoll")
	raw, err := file.SyscallConn()
	if err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("register epoll: %w", err)
	}
	return &poller{file: file, raw: raw}, nil
}

// ask has wait return a number once a file can be read, which may be so already.
func (p *poller) ask(file *os.File, number int) error {
	const once = unix.EPOLLIN | unix.EPOLLONESHOT
	err := p.control(unix.EPOLL_CTL_MOD, file, once, number)
	if errors.Is(err, unix.ENOENT) { // it was never asked about
		err = p.control(unix.EPOLL_CTL_ADD, file, once, number)
	}
	return err
}

// forget asks about a file no more.
func (p *poller) forget(file *os.File) {
	_ = p.control(unix.EPOLL_CTL_DEL, file, 0, 0) // ENOENT: it was never asked about
}

func (p *poller) control(operation int, file *os.File, events uint32, number int) error {
	return control(p.file, func(poll int) error {
		return control(file, func(fd int) error {
			event := unix.EpollEvent{Events: events, Fd: int32(number)}
			return os.NewSyscallError("epoll_ctl", unix.EpollCtl(poll, operation, fd, &event))
		})
	})
}

// wait calls with the number of each file that can be read, until close.
func (p *poller) wait(ready func(number int)) error {
	var events [64]unix.EpollEvent
	for {
		n, failed := 0, error(nil)
		err := p.raw.Read(func(fd uintptr) bool {
			for {
				n, failed = unix.EpollWait(int(fd), events[:], 0)
				if failed != unix.EINTR {
					return n != 0 // where none is ready, the runtime tells when one is
				}
			}
		})
		switch {
		case p.closed.Load():
			return nil
		case err != nil:
			return fmt.Errorf("poll epoll: %w", err)
		case failed != nil:
			return os.NewSyscallError("epoll_wait", failed)
		}
		for _, event := range events[:n] {
			ready(int(event.Fd))
		}
	}
}

func (p *poller) close() {
	p.closed.Store(true)
	_ = p.file.Close()
}
