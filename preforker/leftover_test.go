package preforker

import (
	"bytes"
	"io"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"launcher/preforker/internal/testdir"
)

// patience is what a wait takes to fail.
const patience = 3 * time.Minute

// leaver is a supervisor as far as closing sockets goes. Who is refused reads "refused".
func leaver(t *testing.T, slots int) (*Supervisor, *bytes.Buffer) {
	t.Helper()
	bound, err := bindSockets(testdir.Short(t), slots, socketOptions, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(bound.close)
	var log bytes.Buffer
	return &Supervisor{log: slog.New(slog.NewTextHandler(&log, nil)), sockets: bound, done: make(chan struct{}),
		core: newCore(slots, policy{}, func() float64 { return 0 }),
		config: Config{Refuse: func(conn net.Conn) {
			_, _ = io.WriteString(conn, "refused")
			_ = conn.Close()
		}}}, &log
}

// connect has a connection wait in a slot's queue, with something sent.
func connect(t *testing.T, path, text string) net.Conn {
	t.Helper()
	conn, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
	return conn
}

// halfClose says that nothing more will be sent.
func halfClose(t *testing.T, conn net.Conn) {
	t.Helper()
	if err := conn.(*net.UnixConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
}

func readAll(t *testing.T, conn net.Conn) string {
	t.Helper()
	text, err := io.ReadAll(conn)
	if err != nil {
		t.Errorf("after %q: %v", text, err)
	}
	return string(text)
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

func TestLeftoversAreRefusedWithoutNeighbours(t *testing.T) {
	s, _ := leaver(t, 2)
	var waiting []net.Conn
	for range 5 {
		waiting = append(waiting, connect(t, s.sockets.paths[0], ""))
	}
	s.closeSlot(0)
	s.tasks.Wait()
	for _, conn := range waiting {
		if got := readAll(t, conn); got != "refused" {
			t.Errorf("%q", got)
		}
	}
	if _, err := net.Dial("unix", s.sockets.paths[0]); err == nil {
		t.Error("the socket is still there")
	}
	s.closeSlot(0) // twice is once
	other := connect(t, s.sockets.paths[1], "")
	s.turnAway()
	s.tasks.Wait()
	if got := readAll(t, other); got != "refused" {
		t.Errorf("the other slot's: %q", got)
	}
}

func TestLeftoversAreHandedToNeighbours(t *testing.T) {
	s, _ := leaver(t, 1)
	neighbour := filepath.Join(testdir.Short(t), "neighbour")
	echo(t, neighbour)
	gone := filepath.Join(testdir.Short(t), "gone")
	long := strings.Repeat("long request ", 100_000)
	first := connect(t, s.sockets.paths[0], "first") // to the neighbour
	second := connect(t, s.sockets.paths[0], "")     // to the one that is gone
	third := connect(t, s.sockets.paths[0], "")
	listener := s.sockets.take(0)
	s.tasks.Go(func() { s.clear(listener, []string{neighbour, gone}) })
	halfClose(t, first)
	if got := readAll(t, first); got != "FIRST" {
		t.Errorf("%q", got)
	}
	if got := readAll(t, second); got != "refused" {
		t.Errorf("%q", got)
	}
	// What is still to come goes the same way, in both directions, whatever its size.
	sent := make(chan error, 1)
	go func() {
		_, err := io.WriteString(third, long)
		sent <- err
		_ = third.(*net.UnixConn).CloseWrite()
	}()
	if got := readAll(t, third); got != strings.ToUpper(long) {
		t.Errorf("%d bytes, %d were sent", len(got), len(long))
	}
	if err := <-sent; err != nil {
		t.Error(err)
	}
	s.tasks.Wait()
}

// TestRelayEndsWithTheSupervisor, whoever does not end the conversation.
func TestRelayEndsWithTheSupervisor(t *testing.T) {
	s, _ := leaver(t, 1)
	neighbour := filepath.Join(testdir.Short(t), "neighbour")
	echo(t, neighbour)
	conn := connect(t, s.sockets.paths[0], "no end")
	listener := s.sockets.take(0)
	s.tasks.Go(func() { s.clear(listener, []string{neighbour}) })
	close(s.done)
	s.tasks.Wait()
	if got := readAll(t, conn); got != "" {
		t.Errorf("%q", got)
	}
}

func TestNeighboursAreThoseThatServe(t *testing.T) {
	s, _ := leaver(t, 4)
	for slot, state := range map[int]WorkerState{0: WorkerReady, 1: WorkerReady, 2: WorkerBooting, 3: WorkerDraining} {
		s.core.slots[slot].workers = []*worker{{state: state}}
	}
	if got := s.neighbours(0); len(got) != 1 || got[0] != s.sockets.paths[1] {
		t.Errorf("%q", got)
	}
}

func TestLeftoverThatCannotBeAccepted(t *testing.T) {
	s, log := leaver(t, 1)
	listener := s.sockets.take(0)
	_ = listener.Close()
	s.clear(listener, nil)
	if !strings.Contains(log.String(), "a waiting connection was lost") {
		t.Errorf("%q", log.String())
	}
}
