//go:build linux

package server

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"launcher/preforker/proc"
)

const (
	// Grace is the time that a server has to end by itself.
	Grace = 10 * time.Second
	// endTick is how often end reads which processes are left.
	endTick = 5 * time.Millisecond
	// killTime is the time that the kernel has to end processes that were killed.
	killTime = 10 * time.Second
)

// end waits until no process is left, and kills those that are when the time is over. It does not reap
// what is owned by another goroutine.
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

// EndDescendants ends every descendant of this process: with TERM to its children, which
// end theirs, and with KILL to all when the time is over. It is for a
// process that adopts orphans and is about to end: it takes the status of every child.
func EndDescendants(grace time.Duration) error {
	self := os.Getpid()
	members := func() ([]proc.Process, error) { return descendants(self) }
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

// descendants returns those of one process, zombies among them and itself not.
func descendants(of int) ([]proc.Process, error) {
	table, err := proc.Processes()
	if err != nil {
		return nil, err
	}
	below := map[int]bool{of: true}
	table.Extend(below)
	return slices.DeleteFunc(table.All(), func(p proc.Process) bool { return p.Pid == of || !below[p.Pid] }), nil
}
