package linux

import (
	"errors"
	"net/netip"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// ErrNotListening says that a descriptor is no listening stream socket.
var ErrNotListening = errors.New("is not a listening stream socket")

// Duplicate returns another descriptor of a file or socket, which the caller closes.
func Duplicate(file syscall.Conn) (fd int, err error) {
	conn, err := file.SyscallConn()
	if err != nil {
		return -1, err
	}
	var failed error
	if err := conn.Control(func(from uintptr) { fd, failed = unix.FcntlInt(from, unix.F_DUPFD_CLOEXEC, 0) }); err != nil {
		return -1, err
	}
	return fd, os.NewSyscallError("fcntl F_DUPFD_CLOEXEC", failed)
}

// ListeningAt returns where a socket listens: the path of a unix socket, or an address with a port.
func ListeningAt(socket *os.File) (place string, err error) {
	err = control(socket, func(fd int) error {
		kind, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TYPE)
		if err != nil {
			return ErrNotListening
		}
		if listens, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ACCEPTCONN); err != nil || listens == 0 || kind != unix.SOCK_STREAM {
			return ErrNotListening
		}
		address, err := unix.Getsockname(fd)
		if err != nil {
			return os.NewSyscallError("getsockname", err)
		}
		switch address := address.(type) {
		case *unix.SockaddrUnix:
			place = address.Name
		case *unix.SockaddrInet4:
			place = netip.AddrPortFrom(netip.AddrFrom4(address.Addr), uint16(address.Port)).String()
		case *unix.SockaddrInet6:
			place = netip.AddrPortFrom(netip.AddrFrom16(address.Addr), uint16(address.Port)).String()
		default:
			return ErrNotListening
		}
		return nil
	})
	return place, err
}

// Adopt has a listening socket that another process has bound be like one of Listen or of ListenTCP. From now on it is this process
// that listens there, to SocketPeer too.
func Adopt(socket *os.File) error {
	return control(socket, func(fd int) error {
		_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1) // a unix socket has no such option
		if err := unix.Listen(fd, backlog()); err != nil {
			return os.NewSyscallError("listen", err)
		}
		return os.NewSyscallError("fcntl O_NONBLOCK", unix.SetNonblock(fd, true))
	})
}
