//go:build linux

package server

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"syscall"
	"time"

	"launcher/preforker/proc"
)

// identity is one process for good: its pid alone may go to another.
type identity struct {
	pid   int
	start uint64
}

func identityOf(p proc.Process) identity { return identity{p.Pid, p.Start} }

// processes reads all that can be seen, zombies too.
func processes() ([]proc.Process, error) {
	folder, err := os.Open("/proc")
	if err != nil {
		return nil, fmt.Errorf("read processes: %w", err)
	}
	defer folder.Close()
	names, err := folder.Readdirnames(-1)
	if err != nil {
		return nil, fmt.Errorf("read processes: %w", err)
	}
	var all []proc.Process
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil {
			continue
		}
		if p, err := proc.ProcessOf(pid); err == nil { // it has not gone since
			all = append(all, p)
		}
	}
	return all, nil
}

// find answers who has a pid now, if it is still the same process.
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
		_ = found.Signal(sig) // who is gone needs none
	}
}

// awaitTick is how often a process is looked at that is not this one's child.
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

// reap takes the status of a zombie that is this process's child. It does not wait: who
// shows as a zombie may have threads that live.
func reap(pid int) {
	_, _ = syscall.Wait4(pid, nil, syscall.WNOHANG, nil) // somebody else may have been faster
}

// descendants are those of one process, itself not among them.
func descendants(all []proc.Process, of int) []proc.Process {
	known := map[int]bool{of: true}
	spread(all, known)
	var found []proc.Process
	for _, p := range all {
		if known[p.Pid] && p.Pid != of {
			found = append(found, p)
		}
	}
	return found
}

// spread adds to a set of pids the children of its members, and theirs.
func spread(all []proc.Process, members map[int]bool) {
	for grown := true; grown; {
		grown = false
		for _, p := range all {
			if !members[p.Pid] && members[p.Parent] {
				members[p.Pid], grown = true, true
			}
		}
	}
}
