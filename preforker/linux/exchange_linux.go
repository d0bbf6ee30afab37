package linux

import (
	"os"

	"golang.org/x/sys/unix"
)

// Exchange has a file lead to where another one does, at once: whoever writes to it meanwhile writes to one or the other. The other
// one stays the caller's.
func Exchange(file, other *os.File) error {
	return os.NewSyscallError("dup3", unix.Dup3(int(other.Fd()), int(file.Fd()), unix.O_CLOEXEC))
}
