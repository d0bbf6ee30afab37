package linux

import (
	"os"

	"golang.org/x/sys/unix"
)

// DisableHugePages keeps transparent huge pages from this process and from what it
// starts from now on: the setting belongs to the memory of the whole process (Linux
// 3.15), children inherit it, and it survives exec.
func DisableHugePages() error {
	return os.NewSyscallError("prctl", unix.Prctl(unix.PR_SET_THP_DISABLE, 1, 0, 0, 0))
}
