package sys

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

// Writable says whether this process may create files in a folder.
func Writable(dir string) error {
	return os.NewSyscallError("access", unix.Access(dir, unix.W_OK|unix.X_OK))
}
