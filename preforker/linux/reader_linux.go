package linux

import (
	"context"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// readerPeriod is how long a wait for the end of a reader is, in milliseconds, before the context is asked: poll(2) knows none.
const readerPeriod = 500

// AwaitNoReader waits until nobody reads any more what is written to a pipe, a socket or a terminal, and returns true; false once the
// context has ended, or where the file is another one. Who writes seldom would know it by the next write alone.
func AwaitNoReader(ctx context.Context, file *os.File) bool {
	info, err := file.Stat()
	if err != nil || info.Mode()&(os.ModeNamedPipe|os.ModeSocket|os.ModeCharDevice) == 0 {
		return false
	}
	var raw syscall.RawConn
	if raw, err = file.SyscallConn(); err != nil {
		return false
	}
	gone := false
	for !gone && err == nil && ctx.Err() == nil {
		err = raw.Control(func(fd uintptr) {
			polled := []unix.PollFd{{Fd: int32(fd)}}
			_, _ = unix.Poll(polled, readerPeriod) // EINTR: once more
			gone = polled[0].Revents&(unix.POLLERR|unix.POLLHUP) != 0
		})
	}
	return gone
}
