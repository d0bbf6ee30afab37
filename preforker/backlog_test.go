package preforker

import (
	"bytes"
	"io"
	"log/slog"
	"net"
	"testing"
	"time"

	"launcher/preforker/core"
	"launcher/preforker/ident"
	"launcher/preforker/internal/testdir"
	"launcher/preforker/linux"
	"launcher/preforker/sockets"
)

// socketOptions are those of the sockets of tests.
var socketOptions = linux.SocketOptions{Mode: 0o640, Gid: -1}

// supervisorWithSockets is a supervisor as far as closing sockets goes. Who is refused reads "refused".
func supervisorWithSockets(t *testing.T, slots int) (*Supervisor, *bytes.Buffer) {
	t.Helper()
	bound, err := sockets.BindAll(sockets.Paths(testdir.Short(t), slots), socketOptions, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(bound.Close)
	var log bytes.Buffer
	return &Supervisor{log: slog.New(slog.NewTextHandler(&log, nil)), sockets: bound, handovers: handovers{}, done: make(chan struct{}), hurry: t.Context(),
		core: core.New(slots, core.Policy{LoadsAtOnce: slots, Method: core.SpawnDirect, BootTimeout: time.Minute}, func() float64 { return 0 }),
		config: Config{Refuse: func(conn net.Conn) {
			_, _ = io.WriteString(conn, "refused")
			_ = conn.Close()
		}}}, &log
}

func TestBacklogIsRefusedWithoutNeighbours(t *testing.T) {
	s, _ := supervisorWithSockets(t, 2)
	var waiting []net.Conn
	for range 5 {
		waiting = append(waiting, testdir.Connect(t, s.sockets.Place(0), ""))
	}
	s.closeSlot(0)
	s.tasks.Wait()
	for _, conn := range waiting {
		if got := testdir.ReadAll(t, conn); got != "refused" {
			t.Errorf("%q", got)
		}
	}
	if _, err := net.Dial("unix", s.sockets.Place(0)); err == nil {
		t.Error("the socket is still there")
	}
	s.closeSlot(0) // twice is once
	other := testdir.Connect(t, s.sockets.Place(1), "")
	s.refuseBacklog()
	s.tasks.Wait()
	if got := testdir.ReadAll(t, other); got != "refused" {
		t.Errorf("the other slot's: %q", got)
	}
}

// ready has workers of these slots become ready, of four, and returns the keys of all.
func ready(s *Supervisor, slots ...int) (keys []ident.Key) {
	for _, a := range s.core.Step(0, core.Started{}) {
		if spawn, is := a.(core.SpawnWorker); is {
			keys = append(keys, spawn.Key)
		}
	}
	for _, key := range keys[:3] {
		s.core.Step(0, core.WorkerHello{Key: key, Hello: core.Hello{Pid: 1000 + key.Slot}})
		s.core.Step(0, core.WorkerLoaded{Key: key})
	}
	for _, slot := range slots {
		s.core.Step(0, core.WorkerReady{Key: keys[slot], Pid: 1000 + slot})
	}
	return keys
}

func TestNeighboursAreThoseThatServe(t *testing.T) {
	s, _ := supervisorWithSockets(t, 4)
	keys := ready(s, 0, 1, 3)
	s.core.Step(0, core.WorkerLeaving{Key: keys[3], Served: 1})
	if got := s.neighbours(0); len(got) != 1 || got[0] != s.sockets.Place(1) {
		t.Errorf("%q", got)
	}
}
