package sockets

import (
	"errors"
	"io"
	"net"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"launcher/preforker/internal/testdir"
	"launcher/preforker/linux"
)

// listening returns a listener, and a client that has connected to it.
func listening(t *testing.T, network string) (socket Socket, client net.Conn) {
	t.Helper()
	address := "127.0.0.1:0"
	if network == "unix" {
		address = filepath.Join(testdir.Short(t), "socket")
	}
	var config net.ListenConfig
	config.SetMultipathTCP(false)
	listener, err := config.Listen(t.Context(), network, address)
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
	socket, client := listening(t, "unix")
	emptied := NewEmptied(socket, func() error { return errors.New("an old kernel") })
	emptied.Drain()
	waiting := emptied.waiting.Load()
	if waiting.end.IsZero() {
		t.Fatal("it has no end")
	}
	waiting.end = time.Now().Add(time.Hour)
	serves(t, emptied, client)
	serves(t, emptied, dialled(t, socket))
	dialled(t, socket)
	waiting.end = time.Now().Add(-time.Second)
	ends(t, emptied)
}

// deferred has a listener's connections be made when their clients have sent a byte: until then the kernel takes them for being made.
func deferred(t *testing.T, socket syscall.Conn) {
	t.Helper()
	conn, err := socket.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var set error
	err = conn.Control(func(fd uintptr) {
		set = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_DEFER_ACCEPT, 60)
	})
	if err != nil || set != nil {
		t.Fatal(err, set)
	}
}

// onTheirWay is a hidden socket with a client whose connection the kernel is making.
func onTheirWay(t *testing.T) (socket Socket, client net.Conn) {
	t.Helper()
	socket, first := listening(t, "tcp")
	serves(t, socket, first)
	deferred(t, socket)
	client = dialled(t, socket)
	if err := linux.HideTCP(socket); err != nil {
		t.Fatal(err)
	}
	return socket, client
}

// TestWaitingOnTheirWay: to its client a connection may be there before the kernel has it in the queue. It is waited for, not for
// ever, and not after the end.
func TestWaitingOnTheirWay(t *testing.T) {
	socket, client := onTheirWay(t)
	waiting := NewWaiting(socket, socket.Addr(), true)
	waiting.until = time.Now().Add(time.Hour)
	if !waiting.mayCome() {
		t.Fatal("the kernel tells of no handshake")
	}
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

	socket, _ = onTheirWay(t)
	ends(t, NewWaiting(socket, socket.Addr(), true)) // after a second
	waiting = NewWaiting(socket, socket.Addr(), true)
	waiting.until = time.Now().Add(time.Hour)
	over := time.AfterFunc(time.Minute, func() {
		t.Error("it waits on")
		waiting.until = time.Now()
	})
	go func() { _ = waiting.Close() }()
	ends(t, waiting)
	over.Stop()
}

// TestBacklogOnTheirWay: who is about to be connected to a port that closes is refused in the protocol, too, also when all ends.
func TestBacklogOnTheirWay(t *testing.T) {
	socket, client := onTheirWay(t)
	file, err := socket.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	b, unused, _ := newBacklog(t)
	unused.Close()
	done := make(chan struct{})
	close(done)
	b.Done, b.until = done, time.Now().Add(time.Hour)
	b.Refuse = func(conn net.Conn) {
		_, _ = io.ReadFull(conn, make([]byte, 1))
		_, _ = io.WriteString(conn, "refused")
		_ = conn.Close()
	}
	go func() { _, _ = client.Write([]byte("x")) }()
	b.Drain(file, socket.Addr().String(), nil)
	if text, err := io.ReadAll(client); string(text) != "refused" || err != nil {
		t.Errorf("%q, %v", text, err)
	}
}

// TestConnectionWithoutADescriptor: one that is out of the kernel's queue is the next, and is ended where nobody takes it.
func TestConnectionWithoutADescriptor(t *testing.T) {
	socket, client := listening(t, "unix")
	waiting := NewWaiting(socket, socket.Addr(), true)
	take := func() {
		t.Helper()
		var err error
		if waiting.taken, err = linux.Accept(socket); waiting.taken == nil {
			t.Fatal(err)
		}
	}
	take()
	serves(t, waiting, client)
	ends(t, waiting)

	client = dialled(t, socket)
	take()
	_ = waiting.Close()
	ends(t, waiting)
	if text, err := io.ReadAll(client); len(text) > 0 || err != nil {
		t.Errorf("%q, %v", text, err)
	}
}
