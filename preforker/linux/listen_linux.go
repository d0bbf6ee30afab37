package linux

import (
	"cmp"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// MaxSocketPath is the longest path of a unix socket that this project makes, in bytes. The kernel
// takes some more, without the NUL at their end (unix(7)): what web servers put behind the path, as
// a suffix for a while, has to fit too.
const MaxSocketPath = len(unix.RawSockaddrUnix{}.Path) - 1 - spareSocketPath

const spareSocketPath = 7

// SocketOptions say how the file of a listening socket looks.
type SocketOptions struct {
	Mode os.FileMode // permission bits
	Uid  int         // user who owns the file, whom root gives it; 0 and -1: the one who makes it
	Gid  int         // group that owns the file; -1 leaves it alone
}

// Listen binds and listens on a unix stream socket at path, with the largest
// backlog that the kernel takes. The file gets its mode from the socket, whose mode is
// set before bind: it is never there with a wider one, and no name is looked up
// a second time, which somebody could have replaced by a link. The caller starts no
// process meanwhile: it would inherit the umask of that moment.
func Listen(path string, opts SocketOptions) (*os.File, error) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	if err := bindAndListen(fd, path, opts); err != nil {
		_ = unix.Close(fd)
		return nil, err
	}
	// os.NewFile would put a non-blocking descriptor into Go's poller, and each
	// request to a worker would then wake this process. Blocking until here, it
	// stays out.
	file := os.NewFile(uintptr(fd), path)
	if err := unix.SetNonblock(fd, true); err != nil {
		_ = file.Close()
		return nil, os.NewSyscallError("fcntl O_NONBLOCK", err)
	}
	return file, nil
}

func bindAndListen(fd int, path string, opts SocketOptions) error {
	mode := uint32(opts.Mode.Perm())
	if err := unix.Fchmod(fd, mode); err != nil {
		return os.NewSyscallError("fchmod", err)
	}
	umask := unix.Umask(0) // bind subtracts it from the socket's mode
	err := unix.Bind(fd, &unix.SockaddrUnix{Name: path})
	unix.Umask(umask)
	if err != nil {
		return os.NewSyscallError("bind", err)
	}
	if opts.Uid > 0 || opts.Gid >= 0 {
		err = os.NewSyscallError("lchown", unix.Lchown(path, cmp.Or(opts.Uid, -1), opts.Gid))
	}
	if err == nil {
		err = os.NewSyscallError("listen", unix.Listen(fd, backlog()))
	}
	if err != nil {
		_ = os.Remove(path)
	}
	return err
}

// backlog is net.core.somaxconn, the most that listen(2) grants. A full backlog
// of a unix socket answers EAGAIN at once, which web servers turn into
// an error page instead of trying the next socket.
func backlog() int {
	text, err := os.ReadFile("/proc/sys/net/core/somaxconn")
	if err != nil {
		return unix.SOMAXCONN
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || n < 1 {
		return unix.SOMAXCONN
	}
	return n
}

// Accept takes one waiting connection from a non-blocking listener. It returns
// nil and no error when none waits.
func Accept(listener syscall.Conn) (conn *os.File, err error) {
	err = control(listener, func(listening int) error {
		for {
			fd, _, err := unix.Accept4(listening, unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK)
			switch err {
			case nil:
				conn = os.NewFile(uintptr(fd), "connection")
				return nil
			case unix.EAGAIN:
				return nil
			case unix.EINTR, unix.ECONNABORTED, unix.EPROTO, unix.ENETDOWN, unix.ENETUNREACH, unix.EHOSTDOWN, unix.EHOSTUNREACH:
				continue // of one connection, which has failed already (accept(2))
			default:
				return os.NewSyscallError("accept4", err)
			}
		}
	})
	return conn, err
}

// SocketPeer connects to the unix socket at path and returns the pid of the process
// that called listen on it. Listening is false when nobody does.
func SocketPeer(path string) (pid int, listening bool, err error) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return 0, false, os.NewSyscallError("socket", err)
	}
	defer unix.Close(fd)
	switch err := unix.Connect(fd, &unix.SockaddrUnix{Name: path}); err {
	case nil:
	case unix.ECONNREFUSED, unix.ENOENT:
		return 0, false, nil
	case unix.EAGAIN: // its backlog is full: very much in use
		return 0, true, nil
	default:
		return 0, false, fmt.Errorf("connect to %s: %w", path, err)
	}
	cred, err := unix.GetsockoptUcred(fd, unix.SOL_SOCKET, unix.SO_PEERCRED)
	if err != nil {
		return 0, true, os.NewSyscallError("getsockopt SO_PEERCRED", err)
	}
	return int(cred.Pid), true, nil
}
