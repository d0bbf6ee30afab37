//go:build linux

package proc

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"syscall"
)

// ErrGone is a process that has ended, or is about to: a zombie has no memory left. So
// is a kernel thread, which never had any.
var ErrGone = errors.New("process is gone")

func procPath(pid int, name string) string {
	return "/proc/" + strconv.Itoa(pid) + "/" + name
}

// readStart reads from the start of a file until it ends or buffer is full. System calls
// alone: an os.File costs three more of them and three allocations, and there is one
// file for each process of the machine.
func readStart(path string, buffer []byte) ([]byte, error) {
	fd, err := open(path)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: path, Err: err}
	}
	defer syscall.Close(fd)
	length := 0
	for length < len(buffer) {
		n, err := syscall.Read(fd, buffer[length:])
		if errors.Is(err, syscall.EINTR) {
			continue
		}
		if err != nil {
			return nil, &os.PathError{Op: "read", Path: path, Err: err}
		}
		if n == 0 {
			break
		}
		length += n
	}
	return buffer[:length], nil
}

func open(path string) (int, error) {
	for {
		fd, err := syscall.Open(path, syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
		if !errors.Is(err, syscall.EINTR) {
			return fd, err
		}
	}
}

// readWhole reads a file that is shorter than buffer.
func readWhole(path string, buffer []byte) ([]byte, error) {
	text, err := readStart(path, buffer)
	if err == nil && len(text) == len(buffer) {
		return nil, fmt.Errorf("read %s: longer than %d bytes", path, len(buffer)-1)
	}
	return text, err
}

// gone makes ErrGone of what the kernel answers for a process that has ended: ENOENT where
// its folder has left, ESRCH where the folder was found or is held open. A kernel that
// has no such file for anybody is errors.ErrUnsupported.
func gone(err error, name string) error {
	missing := errors.Is(err, syscall.ENOENT)
	if !missing && !errors.Is(err, syscall.ESRCH) {
		return err
	}
	if missing {
		if _, self := os.Stat("/proc/self/" + name); self != nil {
			return fmt.Errorf("%w: %w", errors.ErrUnsupported, self)
		}
	}
	return fmt.Errorf("%w: %w", ErrGone, err)
}
