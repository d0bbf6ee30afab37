package linux

import (
	"cmp"
	"math"
	"net/netip"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// BindTCP takes a port of an address, and does not listen there yet. An IPv6 address takes no IPv4.
// Connections that were accepted at that port before do not stand in the way (SO_REUSEADDR); whoever
// listens there does, since SO_REUSEPORT, which would share the connections out, is never set.
func BindTCP(address netip.AddrPort) (*os.File, error) {
	family, place := socketAddress(address)
	fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	file := os.NewFile(uintptr(fd), address.String()) // while it blocks: Go's poller is not for it
	err = os.NewSyscallError("setsockopt SO_REUSEADDR", unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1))
	if err == nil && family == unix.AF_INET6 {
		err = os.NewSyscallError("setsockopt IPV6_V6ONLY", unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 1))
	}
	if err == nil {
		// Accepted sockets inherit it: the end of a response does not wait for the peer's acknowledgement.
		err = os.NewSyscallError("setsockopt TCP_NODELAY", unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1))
	}
	if err == nil {
		err = os.NewSyscallError("bind", unix.Bind(fd, place))
	}
	if err == nil {
		err = os.NewSyscallError("fcntl O_NONBLOCK", unix.SetNonblock(fd, true))
	}
	if err != nil {
		_ = file.Close()
		return nil, err
	}
	return file, nil
}

func socketAddress(address netip.AddrPort) (family int, place unix.Sockaddr) {
	ip := address.Addr().Unmap()
	if ip.Is4() {
		return unix.AF_INET, &unix.SockaddrInet4{Port: int(address.Port()), Addr: ip.As4()}
	}
	return unix.AF_INET6, &unix.SockaddrInet6{Port: int(address.Port()), Addr: ip.As16()}
}

// ListenTCP listens on a socket of BindTCP, with the largest backlog that the kernel takes.
func ListenTCP(bound *os.File) error {
	return control(bound, func(fd int) error { return os.NewSyscallError("listen", unix.Listen(fd, backlog())) })
}

// nowhere is the index of a network interface that there is not.
const nowhere = math.MaxInt32

// HideTCP has the kernel refuse new connections to a listening TCP socket, as where nobody listens.
// What waits in its queue stays, and so does what is being connected. To the kernel the socket
// listens on an interface that is not there, which it does not check (Linux 5.7 lets any user do
// that once, and root alone do it again or take it back). It is an error where the socket is one of
// MPTCP, below which another one listens, whose option that may not be.
func HideTCP(listener syscall.Conn) error {
	return control(listener, func(fd int) error {
		if protocol, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_PROTOCOL); err != nil || protocol != unix.IPPROTO_TCP {
			return os.NewSyscallError("setsockopt SO_BINDTOIFINDEX", cmp.Or(err, error(unix.EOPNOTSUPP)))
		}
		if now, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_BINDTOIFINDEX); err == nil && now == nowhere {
			return nil
		}
		return os.NewSyscallError("setsockopt SO_BINDTOIFINDEX", unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_BINDTOIFINDEX, nowhere))
	})
}

// HideUnix has the kernel refuse new connections to a listening unix socket, also by another name of it. What waits in its queue stays.
func HideUnix(listener syscall.Conn) error {
	return control(listener, func(fd int) error { return os.NewSyscallError("shutdown", unix.Shutdown(fd, unix.SHUT_RD)) })
}

// StopListening ends listening on a TCP socket in all processes that have it, some of which the
// application may have forked, so that its port is free. Connections that wait are reset.
func StopListening(listener *os.File) error {
	return control(listener, func(fd int) error { return os.NewSyscallError("shutdown", unix.Shutdown(fd, unix.SHUT_RD)) })
}

// control calls a function with the descriptor of a file that stays open meanwhile.
func control(file syscall.Conn, call func(fd int) error) error {
	conn, err := file.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	if err := conn.Control(func(fd uintptr) { failed = call(int(fd)) }); err != nil {
		return err
	}
	return failed
}
