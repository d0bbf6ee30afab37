package linux

import (
	"os"
	"time"

	"launcher/preforker/ident"

	"golang.org/x/sys/unix"
)

// Child is a child process, which leaves how it ended.
type Child struct {
	Process
	// CPU is what it has had of the CPUs, with its own children that it has waited for, once it is reaped.
	CPU time.Duration
}

// FollowChild opens a child of this process by its pid. That works for a zombie
// too: until it is reaped its pid belongs to nobody else, so there is no race
// between a child's death and the moment its parent hears of its pid.
func FollowChild(pid int) (*Child, error) {
	process, err := FollowProcess(pid)
	if err != nil {
		return nil, err
	}
	return &Child{Process: *process}, nil
}

// Await waits until the child has ended and leaves it a zombie, so that its pid stays
// its own. Reap must follow.
//
// A process that was forked twice may tell its pid before the one in between has
// gone: until then it is nobody's here (ECHILD), and the wait is tried again.
func (c *Child) Await() error {
	for tries := 0; ; tries++ {
		var waited error
		err := c.raw.Read(func(fd uintptr) bool {
			_, waited = waitPidfd(int(fd), unix.WNOWAIT, nil)
			return waited != unix.EAGAIN
		})
		switch {
		case err != nil:
			return err
		case waited == unix.ECHILD && tries < adoptionTries:
			time.Sleep(adoptionPause)
		default:
			return os.NewSyscallError("waitid", waited)
		}
	}
}

// Reap tells how a child ended that has been awaited, and closes the descriptor.
func (c *Child) Reap() (ident.ExitStatus, error) {
	defer c.file.Close()
	var status ident.ExitStatus
	var waited error
	var usage unix.Rusage
	if err := c.raw.Control(func(fd uintptr) { status, waited = waitPidfd(int(fd), 0, &usage) }); err != nil {
		return ident.ExitStatus{}, err
	}
	c.CPU = time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
	return status, os.NewSyscallError("waitid", waited)
}

// The process in between has nothing left to do but to leave.
const (
	adoptionTries = 2000
	adoptionPause = time.Millisecond
)

func waitPidfd(fd, options int, usage *unix.Rusage) (ident.ExitStatus, error) {
	var info unix.Siginfo
	for {
		err := unix.Waitid(unix.P_PIDFD, fd, &info, unix.WEXITED|options, usage)
		switch err {
		case nil:
			return exitStatus(&info), nil
		case unix.EINTR:
			continue
		default: // EAGAIN: still running, PIDFD_NONBLOCK
			return ident.ExitStatus{}, err
		}
	}
}

// BecomeSubreaper makes this process the parent of every descendant whose own
// parent dies (PR_SET_CHILD_SUBREAPER). The setting is the whole process's and
// children do not inherit it.
func BecomeSubreaper() error {
	return os.NewSyscallError("prctl PR_SET_CHILD_SUBREAPER",
		unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0))
}

// ReapOrphans reaps children that ended and that known does not claim:
// descendants of an application's own making that came here as orphans. It looks
// without taking (WNOWAIT), so it never steals the status of a process that
// somebody waits for; a claimed zombie ends the pass, and its owner's wait is
// followed by the next one.
func ReapOrphans(known func(pid int) bool) (reaped []int) {
	for {
		var info unix.Siginfo
		err := unix.Waitid(unix.P_ALL, 0, &info, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil)
		if err == unix.EINTR {
			continue
		}
		pid := siginfoPid(&info)
		if err != nil || pid == 0 || known(pid) {
			return reaped
		}
		if _, err := unix.Wait4(pid, nil, unix.WNOHANG, nil); err != nil && err != unix.EINTR {
			return reaped
		}
		reaped = append(reaped, pid)
	}
}
