//go:build linux

package server

import (
	"errors"
	"syscall"
)

// success is how a process is told of that has ended well.
const success = "exit status 0"

// leader is the first process of a server, and the goroutine that waits for it.
type leader struct {
	pid    int
	signal func(syscall.Signal)
	done   chan struct{}
	exited chan error
}

// newLeader starts a goroutine that waits for a process, and ends with it.
func newLeader(pid int, signal func(syscall.Signal), wait func() error) *leader {
	l := &leader{pid: pid, signal: signal, done: make(chan struct{}), exited: make(chan error, 1)}
	go func() {
		err := wait()
		if err == nil {
			err = errors.New(success)
		}
		close(l.done)
		l.exited <- err
		close(l.exited)
	}()
	return l
}

func (l *leader) ended() bool {
	select {
	case <-l.done:
		return true
	default:
		return false
	}
}
