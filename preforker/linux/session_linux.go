package linux

import (
	"os"

	"golang.org/x/sys/unix"
)

// Session is the session of a process that this process can see, a zombie too: the pid
// of the process that began it with setsid. No other process gets that pid while the
// session has members.
func Session(pid int) (int, error) {
	session, err := unix.Getsid(pid)
	return session, os.NewSyscallError("getsid", err)
}
