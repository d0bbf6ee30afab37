//go:build linux

package server

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"

	"launcher/preforker/proc"
)

const (
	// Grace is what a server may take to leave by itself.
	Grace = 10 * time.Second
	// endTick is how often an end is looked for.
	endTick = 5 * time.Millisecond
	// killTime is what the kernel may take for processes that were killed.
	killTime = 10 * time.Second
)

// end waits until no process is left, and kills what is when the time is over. Statuses
// that somebody else waits for are left to him.
func end(members func() ([]proc.Process, error), owned func(pid int) bool, grace time.Duration) error {
	deadline := time.Now().Add(grace)
	for {
		left, err := members()
		if err != nil {
			return err
		}
		if len(left) == 0 {
			return nil
		}
		late := time.Since(deadline)
		if late > killTime {
			return fmt.Errorf("end processes: still there after SIGKILL: %s", pids(left))
		}
		for _, p := range left {
			if late >= 0 {
				identityOf(p).signal(syscall.SIGKILL)
			}
			if p.Zombie() && p.Parent == os.Getpid() && !owned(p.Pid) {
				reap(p.Pid)
			}
		}
		time.Sleep(endTick)
	}
}

func pids(processes []proc.Process) string {
	var texts []string
	for _, p := range processes {
		texts = append(texts, number(p.Pid))
	}
	return strings.Join(texts, ", ")
}

// EndDescendants ends every descendant of this process: with TERM to its children, who
// know what to do with theirs, and with KILL to all when the time is over. It is for a
// process that adopts orphans and is about to end: it takes the status of every child.
func EndDescendants(grace time.Duration) error {
	self := os.Getpid()
	members := func() ([]proc.Process, error) {
		all, err := processes()
		return descendants(all, self), err
	}
	first, err := members()
	if err != nil {
		return err
	}
	for _, p := range first {
		if p.Parent == self && !p.Zombie() {
			identityOf(p).signal(syscall.SIGTERM)
		}
	}
	return end(members, func(int) bool { return false }, grace)
}
