package sockets

import (
	"errors"
	"io"
	"net"
	"path/filepath"
	"syscall"
	"testing"

	"launcher/preforker/internal/testdir"
	"launcher/preforker/linux"
)

// listening returns a listener that has one whose client has connected and said its name, and where that is.
func listening(t *testing.T, network string) (socket Socket, client net.Conn) {
	t.Helper()
	address := "127.0.0.1:0"
	if network == "unix" {
		address = filepath.Join(testdir.Short(t), "socket")
	}
	listener, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	return listener.(Socket), dialled(t, listener)
}

func dialled(t *testing.T, listener net.Listener) net.Conn {
	t.Helper()
	conn, err := net.Dial(listener.Addr().Network(), listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// serves accepts one, and has it read what it is told.
func serves(t *testing.T, listener net.Listener, client net.Conn) {
	t.Helper()
	conn, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	_, err = io.WriteString(conn, "served")
	_ = conn.Close()
	text, read := io.ReadAll(client)
	if string(text) != "served" || err != nil || read != nil {
		t.Errorf("%q, %v, %v", text, err, read)
	}
}

func ends(t *testing.T, listener net.Listener) {
	t.Helper()
	if conn, err := listener.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("%v, %v", conn, err)
	}
}

// TestEmptied: before the end and after it those are accepted who have connected, whether an Accept is under way or not.
func TestEmptied(t *testing.T) {
	for _, network := range []string{"tcp", "unix"} {
		t.Run(network, func(t *testing.T) {
			socket, first := listening(t, network)
			hidden := 0
			emptied := NewEmptied(socket, func() error {
				hidden++
				return nil
			})
			serves(t, emptied, first)
			second, third := dialled(t, socket), dialled(t, socket)
			emptied.Drain()
			emptied.Drain()
			serves(t, emptied, second)
			serves(t, emptied, third)
			ends(t, emptied)
			if hidden != 1 {
				t.Errorf("hidden %d times", hidden)
			}

			socket, first = listening(t, network)
			emptied = NewEmptied(socket, func() error { return nil })
			serves(t, emptied, first)
			ended := make(chan error, 1)
			go func() {
				_, err := emptied.Accept()
				ended <- err
			}()
			emptied.Drain()
			if err := <-ended; !errors.Is(err, net.ErrClosed) {
				t.Errorf("an Accept that waited: %v", err)
			}
			if err := emptied.Close(); err != nil {
				t.Error(err)
			}
			ends(t, emptied)
		})
	}
}

// TestEmptiedIsLeft: who waits is another listener's of the same socket.
func TestEmptiedIsLeft(t *testing.T) {
	socket, client := listening(t, "tcp")
	file, err := socket.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	emptied := NewEmptied(socket, func() error {
		t.Error("it is hidden")
		return nil
	})
	emptied.Leave()
	emptied.Drain()
	ends(t, emptied)
	other, err := net.FileListener(file)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	serves(t, other, client)
}

// TestEmptiedIsNotHidden: it comes to an end although somebody connects all the time.
func TestEmptiedIsNotHidden(t *testing.T) {
	socket, client := listening(t, "tcp")
	emptied := NewEmptied(socket, func() error { return errors.New("an old kernel") })
	emptied.Drain()
	serves(t, emptied, client)
	for {
		dialled(t, socket)
		conn, err := emptied.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.Close()
	}
}

// deferred has a listener's connections be made when their clients have sent a byte: until then the kernel takes them for being made.
func deferred(t *testing.T, socket syscall.Conn) {
	t.Helper()
	conn, err := socket.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	err = errors.Join(conn.Control(func(fd uintptr) {
		err = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_DEFER_ACCEPT, 60)
	}), err)
	if err != nil {
		t.Fatal(err)
	}
}

// TestWaitingOnTheirWay: to its client a connection may be there before the kernel has it in the queue. It is waited for, not for
// ever, and not after the end.
func TestWaitingOnTheirWay(t *testing.T) {
	socket, first := listening(t, "tcp")
	serves(t, socket, first)
	deferred(t, socket)
	client := dialled(t, socket)
	if err := linux.HideTCP(socket); err != nil {
		t.Fatal(err)
	}
	waiting := NewWaiting(socket, socket.Addr(), true)
	go func() {
		_, _ = client.Write([]byte("x"))
		_ = client.(*net.TCPConn).CloseWrite()
	}()
	conn, err := waiting.Accept()
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(conn); string(text) != "x" || err != nil {
		t.Errorf("%q, %v", text, err)
	}
	_ = conn.Close()
	ends(t, waiting)

	for _, closed := range []bool{false, true} {
		socket, first := listening(t, "tcp")
		serves(t, socket, first)
		deferred(t, socket)
		dialled(t, socket)
		waiting := NewWaiting(socket, socket.Addr(), true)
		if closed {
			_ = waiting.Close()
		}
		ends(t, waiting)
	}
}
