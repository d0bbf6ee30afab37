package linux

import (
	"fmt"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Process is a process followed by a pidfd, be it a child or not: waiting for it
// parks a goroutine in the poller instead of a thread, and a signal never reaches
// another process that got its pid.
type Process struct {
	Pid  int
	file *os.File
	raw  syscall.RawConn
}

// FollowProcess opens a process by its pid. Whether that pid was not given to another before, the
// caller has to look once it is open.
func FollowProcess(pid int) (*Process, error) {
	fd, err := unix.PidfdOpen(pid, unix.PIDFD_NONBLOCK)
	if err != nil {
		return nil, os.NewSyscallError("pidfd_open", err)
	}
	file := os.NewFile(uintptr(fd), fmt.Sprintf("pidfd:%d", pid))
	raw, err := file.SyscallConn()
	if err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("register pidfd of %d: %w", pid, err)
	}
	return &Process{Pid: pid, file: file, raw: raw}, nil
}

// Signal sends a signal. A process that is gone, or reaped, is not an error.
func (p *Process) Signal(sig syscall.Signal) error {
	var sent error
	err := p.raw.Control(func(fd uintptr) { sent = unix.PidfdSendSignal(int(fd), sig, nil, 0) })
	if err != nil || sent == unix.ESRCH {
		return nil // Control fails only on a closed file: Reap or Close was here before
	}
	return os.NewSyscallError("pidfd_send_signal", sent)
}

// AwaitEnd waits until the process has ended, or until Deadline's time, and says whether it has.
// Its parent may not have reaped it by then.
func (p *Process) AwaitEnd() bool {
	ended := false
	err := p.raw.Read(func(fd uintptr) bool {
		fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		n, err := unix.Poll(fds, 0)
		ended = n > 0
		return ended || err != nil && err != unix.EINTR
	})
	return err == nil && ended
}

// Deadline ends AwaitEnd, also one that has begun.
func (p *Process) Deadline(at time.Time) error { return p.file.SetReadDeadline(at) }

// Close lets go of the process.
func (p *Process) Close() error { return p.file.Close() }

// SignalGroup signals every process of a process group that the caller knows to
// be its own child's. A group that is empty is not an error.
func SignalGroup(leader int, sig syscall.Signal) error {
	err := unix.Kill(-leader, sig)
	if err == unix.ESRCH {
		return nil
	}
	return os.NewSyscallError("kill", err)
}

// Exists says whether there is a process of this pid that this process can see.
func Exists(pid int) bool {
	return unix.Kill(pid, 0) != unix.ESRCH
}
