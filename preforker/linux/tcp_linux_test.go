package linux

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// listenTCP listens at a free port.
func listenTCP(t *testing.T, host string) (listener *os.File, address netip.AddrPort) {
	t.Helper()
	listener, err := BindTCP(netip.AddrPortFrom(netip.MustParseAddr(host), 0))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	if err := ListenTCP(listener); err != nil {
		t.Fatal(err)
	}
	name, err := unix.Getsockname(int(listener.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	switch name := name.(type) {
	case *unix.SockaddrInet4:
		address = netip.AddrPortFrom(netip.AddrFrom4(name.Addr), uint16(name.Port))
	case *unix.SockaddrInet6:
		address = netip.AddrPortFrom(netip.AddrFrom16(name.Addr), uint16(name.Port))
	}
	return listener, address
}

func dial(t *testing.T, address netip.AddrPort) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", address.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// accepted takes one connection that waits.
func accepted(t *testing.T, listener *os.File) *os.File {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); { // the handshake ends a moment after connect
		conn, err := Accept(listener)
		if err != nil {
			t.Fatal(err)
		}
		if conn != nil {
			t.Cleanup(func() { _ = conn.Close() })
			return conn
		}
	}
	t.Fatal("nobody waits")
	return nil
}

func TestTCPConnectionsSendAtOnce(t *testing.T) {
	for _, host := range []string{"127.0.0.1", "::1"} {
		listener, address := listenTCP(t, host)
		dial(t, address)
		conn := accepted(t, listener)
		if on, err := unix.GetsockoptInt(int(conn.Fd()), unix.IPPROTO_TCP, unix.TCP_NODELAY); on != 1 || err != nil {
			t.Errorf("%s: TCP_NODELAY is %d, %v", host, on, err)
		}
		info, err := unix.GetsockoptTCPInfo(int(listener.Fd()), unix.IPPROTO_TCP, unix.TCP_INFO)
		if err != nil || int(info.Sacked) != backlog() { // of a socket that listens: its backlog
			t.Errorf("%s: the backlog is %d, %v, and may be %d", host, info.Sacked, err, backlog())
		}
	}
}

// TestHiddenTCP: nobody new gets in, who waits is served.
func TestHiddenTCP(t *testing.T) {
	listener, address := listenTCP(t, "127.0.0.1")
	waits := dial(t, address)
	if err := HideTCP(listener); err != nil {
		t.Fatal(err)
	}
	if conn, err := net.Dial("tcp", address.String()); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("a new connection: %v, %v", conn, err)
	}
	conn := accepted(t, listener)
	if _, err := conn.WriteString("served"); err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
	if text, err := io.ReadAll(waits); string(text) != "served" || err != nil {
		t.Errorf("%q, %v", text, err)
	}
}

// TestPortIsFree: no other socket takes the port of one that listens, hidden or not; once it has stopped
// listening any may, whoever still has it, and with connections of it still there.
func TestPortIsFree(t *testing.T) {
	listener, address := listenTCP(t, "127.0.0.1")
	dial(t, address)
	accepted(t, listener)
	for range 2 {
		if other, err := BindTCP(address); !errors.Is(err, syscall.EADDRINUSE) {
			t.Fatalf("%v, %v", other, err)
		}
		if err := HideTCP(listener); err != nil {
			t.Fatal(err)
		}
	}
	if err := StopListening(listener); err != nil {
		t.Fatal(err)
	}
	if conn, err := Accept(listener); conn != nil || !errors.Is(err, syscall.EINVAL) {
		t.Errorf("%v, %v", conn, err)
	}
	next, err := BindTCP(address)
	if err == nil {
		defer next.Close()
		err = ListenTCP(next)
	}
	if err != nil {
		t.Fatal(err)
	}
	dial(t, address)
	accepted(t, next)
}

// TestMultipathTCPIsNotHidden: what the option does to the socket below it depends on the kernel.
func TestMultipathTCPIsNotHidden(t *testing.T) {
	var config net.ListenConfig
	config.SetMultipathTCP(true)
	listener, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	var protocol int
	err = control(listener.(*net.TCPListener), func(fd int) (err error) {
		protocol, err = unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_PROTOCOL)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	want := error(syscall.EOPNOTSUPP)
	if protocol == unix.IPPROTO_TCP {
		want = nil // this kernel has no MPTCP
	}
	if err := HideTCP(listener.(*net.TCPListener)); !errors.Is(err, want) {
		t.Errorf("%v, want %v", err, want)
	}
}
