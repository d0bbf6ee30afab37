package linux

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// Readiness tells when a connection waits at listening sockets, and takes none: each socket is asked about once, and tells once. Its
// methods but Wait are for one goroutine.
type Readiness struct {
	poll *os.File
	wake *os.File // has Wait return when it is closed
	end  *os.File
}

// NewReadiness makes one that asks about no socket.
func NewReadiness() (*Readiness, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	r := &Readiness{poll: os.NewFile(uintptr(fd), "epoll")}
	if r.end, r.wake, err = os.Pipe(); err != nil {
		_ = r.poll.Close()
		return nil, fmt.Errorf("make pipe: %w", err)
	}
	if err := r.control(unix.EPOLL_CTL_ADD, r.end, unix.EPOLLIN, -1); err != nil {
		r.Close()
		_ = r.end.Close()
		return nil, err
	}
	return r, nil
}

// Ask has Wait return a number once a connection waits at a listener, which may be so already.
func (r *Readiness) Ask(listener *os.File, number int) error {
	const once = unix.EPOLLIN | unix.EPOLLONESHOT
	err := r.control(unix.EPOLL_CTL_MOD, listener, once, number)
	if errors.Is(err, unix.ENOENT) { // it was never asked about
		err = r.control(unix.EPOLL_CTL_ADD, listener, once, number)
	}
	return err
}

// Forget asks about a listener no more. It comes before the listener is closed: others have the same socket, so that the kernel would
// not notice.
func (r *Readiness) Forget(listener *os.File) {
	_ = r.control(unix.EPOLL_CTL_DEL, listener, 0, 0) // ENOENT: it was never asked about
}

func (r *Readiness) control(operation int, file *os.File, events uint32, number int) error {
	return control(r.poll, func(poll int) error {
		return control(file, func(fd int) error {
			event := unix.EpollEvent{Events: events, Fd: int32(number)}
			return os.NewSyscallError("epoll_ctl", unix.EpollCtl(poll, operation, fd, &event))
		})
	})
}

// Wait calls with the number of each socket at which a connection waits. It returns when Close is called.
func (r *Readiness) Wait(ready func(number int)) error {
	defer r.poll.Close()
	defer r.end.Close()
	events := make([]unix.EpollEvent, 64)
	for {
		n := 0
		err := control(r.poll, func(poll int) (err error) {
			n, err = unix.EpollWait(poll, events, -1)
			return err
		})
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return os.NewSyscallError("epoll_wait", err)
		}
		for _, event := range events[:n] {
			if event.Fd < 0 {
				return nil
			}
			ready(int(event.Fd))
		}
	}
}

// Close ends Wait, or what Wait has not been called on.
func (r *Readiness) Close() { _ = r.wake.Close() }
