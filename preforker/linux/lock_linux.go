package linux

import (
	"os"

	"golang.org/x/sys/unix"
)

// TryLock takes an exclusive lock on a whole file, or says that somebody holds it.
// The lock ends with the last descriptor of this open file, so also with kill -9.
func TryLock(file *os.File) (locked bool, err error) {
	switch err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB); err {
	case nil:
		return true, nil
	case unix.EWOULDBLOCK:
		return false, nil
	default:
		return false, os.NewSyscallError("flock", err)
	}
}

// DescriptorLimit is how many files this process may have open. Go has raised the
// soft limit to the hard one at its start; its children get the old one back.
func DescriptorLimit() (uint64, error) {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return 0, os.NewSyscallError("getrlimit", err)
	}
	return limit.Cur, nil
}
