//go:build linux

package server

import (
	"errors"
	"os"
	"syscall"
	"time"

	"launcher/preforker/proc"
)

// identity is one process for good: its pid alone may become another's.
type identity struct {
	pid   int
	start uint64
}

func identityOf(p proc.Process) identity { return identity{p.Pid, p.Start} }

// find returns the process that has the pid now, and whether it is still the same one.
func (id identity) find() (proc.Process, bool) {
	p, err := proc.ProcessOf(id.pid)
	return p, err == nil && identityOf(p) == id
}

// signal reaches this process or none: os.FindProcess holds a pidfd (Linux 5.3), and the
// time of the start is compared once that is open.
func (id identity) signal(sig syscall.Signal) {
	found, err := os.FindProcess(id.pid)
	if err != nil {
		return
	}
	defer func() { _ = found.Release() }()
	if _, same := id.find(); same {
		_ = found.Signal(sig) // one that has ended needs none
	}
}

// awaitTick is how often await reads the state of a process that is not this one's child.
const awaitTick = 50 * time.Millisecond

var errEnded = errors.New("it ended")

// await waits for the end of a process. Its status is known only where it is this
// process's child, because this one adopts orphans.
func (id identity) await() error {
	found, err := os.FindProcess(id.pid)
	if err != nil {
		return err
	}
	if _, same := id.find(); !same {
		_ = found.Release()
		return errEnded
	}
	if state, err := found.Wait(); err == nil {
		return errors.New(state.String())
	}
	for {
		if p, same := id.find(); !same || p.Zombie() {
			return errEnded
		}
		time.Sleep(awaitTick)
	}
}

// reap takes the status of a zombie that is this process's child. It does not wait: a process that
// shows as a zombie may have threads that live.
func reap(pid int) {
	_, _ = syscall.Wait4(pid, nil, syscall.WNOHANG, nil) // somebody else may have been faster
}
