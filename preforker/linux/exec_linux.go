package linux

import (
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// firstPassed is the first descriptor that a program is passed by others (sd_listen_fds(3)).
const firstPassed = 3

// Exec has another program run in this process, with descriptors from 3 on. It returns where that fails, and the process can do no more
// than end then: its own descriptors of these numbers are gone.
func Exec(program string, args, environment []string, fds []int) error {
	for i, fd := range fds { // out of the way of the numbers that they get
		above, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, firstPassed+len(fds))
		if err != nil {
			return os.NewSyscallError("fcntl F_DUPFD_CLOEXEC", err)
		}
		fds[i] = above
	}
	for i, fd := range fds {
		if err := unix.Dup3(fd, firstPassed+i, 0); err != nil {
			return os.NewSyscallError("dup3", err)
		}
	}
	return os.NewSyscallError("execve", syscall.Exec(program, args, environment)) // which gives the limit of open files back as it was
}
