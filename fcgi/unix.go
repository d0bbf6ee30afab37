package fcgi

import (
	"net"
	"os"
	"syscall"
	"unsafe"
)

// unixConn is a connection to a unix socket as the kernel gives it. net would ask for the addresses of both ends of each, which
// nobody wants to know.
type unixConn struct{ *os.File }

// connectUnix connects without waiting. The error is a *net.OpError.
func connectUnix(address string) (stream, error) {
	failed := func(call string, err error) error {
		return &net.OpError{Op: "dial", Net: "unix", Addr: &net.UnixAddr{Name: address, Net: "unix"}, Err: os.NewSyscallError(call, err)}
	}
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_NONBLOCK|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, failed("socket", err)
	}
	if err := syscall.Connect(fd, &syscall.SockaddrUnix{Name: address}); err != nil {
		_ = syscall.Close(fd) // it has no other owner
		return nil, failed("connect", err)
	}
	return unixConn{os.NewFile(uintptr(fd), address)}, nil
}

// CloseWrite ends what is sent.
func (c unixConn) CloseWrite() error {
	raw, err := c.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	if err := raw.Control(func(fd uintptr) { failed = syscall.Shutdown(int(fd), syscall.SHUT_WR) }); err != nil {
		return err
	}
	return os.NewSyscallError("shutdown", failed)
}

// unread returns how many bytes of what was written the other end has not read.
func (c unixConn) unread() (int, error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return 0, err
	}
	var bytes int32
	var failed syscall.Errno
	err = raw.Control(func(fd uintptr) {
		_, _, failed = syscall.Syscall(syscall.SYS_IOCTL, fd, syscall.TIOCOUTQ, uintptr(unsafe.Pointer(&bytes)))
	})
	if err == nil && failed != 0 {
		err = failed
	}
	return int(bytes), err
}
