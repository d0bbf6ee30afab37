package systemd

import (
	"os"
	"strconv"
	"syscall"

	"github.com/coreos/go-systemd/v22/activation"
)

// Passed are the sockets that this process was started with, by the names that they were given, in their order. Their names are those
// of the files.
func Passed() []*os.File {
	if IsPassed() {
		// A file of a descriptor that does not block would be in Go's poller, and each connection to a worker wake this process.
		count, _ := strconv.Atoi(os.Getenv("LISTEN_FDS"))
		for fd := firstPassed; fd < firstPassed+count; fd++ {
			_ = syscall.SetNonblock(fd, false)
		}
	}
	return activation.Files(true)
}

// IsPassed says whether there are any, until they are taken.
func IsPassed() bool { return os.Getenv("LISTEN_PID") == strconv.Itoa(os.Getpid()) }

// firstPassed is SD_LISTEN_FDS_START.
const firstPassed = 3
