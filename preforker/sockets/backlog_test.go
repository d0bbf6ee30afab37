package sockets

import (
	"io"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"launcher/preforker/internal/testdir"
	"launcher/preforker/linux"
)

// socketOptions are those of the sockets of tests.
var socketOptions = linux.SocketOptions{Mode: 0o640, Gid: -1}

// newBacklog is one of a socket that is bound at a path. Who is refused reads "refused".
func newBacklog(t *testing.T) (backlog Backlog, socket Bound, path string) {
	t.Helper()
	path = filepath.Join(testdir.Short(t), "socket")
	socket, err := Bind(path, socketOptions, Staleness{})
	if err != nil {
		t.Fatal(err)
	}
	return Backlog{Done: make(chan struct{}), Refuse: func(conn net.Conn) {
		_, _ = io.WriteString(conn, "refused")
		_ = conn.Close()
	}, Lost: func(err error) { t.Errorf("a connection was lost: %v", err) }}, socket, path
}

// echo answers every connection to a socket with what it sent, in upper case.
func echo(t *testing.T, path string) {
	t.Helper()
	listener, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	var tasks sync.WaitGroup
	tasks.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			tasks.Go(func() {
				defer conn.Close()
				text, _ := io.ReadAll(conn)
				_, _ = io.WriteString(conn, strings.ToUpper(string(text)))
			})
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		tasks.Wait()
	})
}

func TestBacklogIsHandedOn(t *testing.T) {
	b, socket, path := newBacklog(t)
	neighbour := filepath.Join(testdir.Short(t), "neighbour")
	echo(t, neighbour)
	gone := filepath.Join(testdir.Short(t), "gone")
	long := strings.Repeat("long request ", 100_000)
	first := testdir.Connect(t, path, "first")   // to the neighbour
	second := testdir.Connect(t, path, "second") // to the one that is gone, and then to the neighbour
	third := testdir.Connect(t, path, "")
	var draining sync.WaitGroup
	draining.Go(func() { b.Drain(socket.Listener, path, []string{neighbour, gone}) })
	testdir.HalfClose(t, first)
	if got := testdir.ReadAll(t, first); got != "FIRST" {
		t.Errorf("%q", got)
	}
	testdir.HalfClose(t, second)
	if got := testdir.ReadAll(t, second); got != "SECOND" {
		t.Errorf("%q", got)
	}
	// What is still to come goes the same way, in both directions, whatever its size.
	sent := make(chan error, 1)
	go func() {
		_, err := io.WriteString(third, long)
		sent <- err
		_ = third.(*net.UnixConn).CloseWrite()
	}()
	if got := testdir.ReadAll(t, third); got != strings.ToUpper(long) {
		t.Errorf("%d bytes, %d were sent", len(got), len(long))
	}
	if err := <-sent; err != nil {
		t.Error(err)
	}
	draining.Wait()
}

// TestBacklogThatNobodyTakes is refused.
func TestBacklogThatNobodyTakes(t *testing.T) {
	b, socket, path := newBacklog(t)
	conn := testdir.Connect(t, path, "")
	b.Drain(socket.Listener, path, []string{filepath.Join(testdir.Short(t), "gone"), filepath.Join(testdir.Short(t), "gone")})
	if got := testdir.ReadAll(t, conn); got != "refused" {
		t.Errorf("%q", got)
	}
}

// TestRelayEndsWithTheSupervisor, whoever does not end the conversation.
func TestRelayEndsWithTheSupervisor(t *testing.T) {
	b, socket, path := newBacklog(t)
	neighbour := filepath.Join(testdir.Short(t), "neighbour")
	echo(t, neighbour)
	conn := testdir.Connect(t, path, "no end")
	done := make(chan struct{})
	b.Done = done
	var draining sync.WaitGroup
	draining.Go(func() { b.Drain(socket.Listener, path, []string{neighbour}) })
	close(done)
	draining.Wait()
	if got := testdir.ReadAll(t, conn); got != "" {
		t.Errorf("%q", got)
	}
}

func TestBacklogThatCannotBeAccepted(t *testing.T) {
	b, socket, path := newBacklog(t)
	var lost []error
	b.Lost = func(err error) { lost = append(lost, err) }
	socket.Close()
	b.Drain(socket.Listener, path, nil)
	if len(lost) != 1 || !strings.Contains(lost[0].Error(), "use of closed file") {
		t.Errorf("%v", lost)
	}
}
