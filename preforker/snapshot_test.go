package preforker

import (
	"log/slog"
	"net"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"launcher/preforker/control"
	"launcher/preforker/core"
	"launcher/preforker/ident"
	"launcher/preforker/internal/scoreboard"
	"launcher/preforker/internal/testdir"
	"launcher/preforker/proc"
	"launcher/preforker/sockets"
)

func TestWorkerSaysWhatItDoes(t *testing.T) {
	for name, test := range map[string]struct {
		state   core.WorkerState
		entry   scoreboard.Entry
		want    string
		seconds float64
		request string
	}{
		"idle":                {core.ReadyWorker, scoreboard.Entry{State: scoreboard.Idle, Method: "GET", Path: "/old"}, "idle", 2, ""},
		"busy":                {core.ReadyWorker, scoreboard.Entry{State: scoreboard.Busy, Method: "GET", Path: "/a"}, "busy", 2, "GET /a"},
		"about to be idle":    {core.ReadyWorker, scoreboard.Entry{State: scoreboard.Booting}, "idle", 9, ""},
		"leaves by itself":    {core.ReadyWorker, scoreboard.Entry{State: scoreboard.Draining}, "draining", 2, ""},
		"is to leave":         {core.DrainingWorker, scoreboard.Entry{State: scoreboard.Busy, Method: "GET", Path: "/a"}, "draining", 9, "GET /a"},
		"is to leave at once": {core.KillingWorker, scoreboard.Entry{State: scoreboard.Idle}, "killing", 9, ""},
		"boots":               {core.BootingWorker, scoreboard.Entry{State: scoreboard.Booting}, "booting", 9, ""},
	} {
		w := control.WorkerStatus{State: test.state.String(), Seconds: 9, Served: 1}
		test.entry.RequestSeconds, test.entry.CollectionSeconds = 4, 0.25
		test.entry.Since, test.entry.Requests = 5*time.Second, 7
		addRecord(&w, test.entry, 7*time.Second)
		request := ""
		if w.Request != nil {
			request = w.Request.Method + " " + w.Request.Path
			if w.Request.Seconds != 2 {
				t.Errorf("%s: %+v", name, w.Request)
			}
		}
		if w.State != test.want || w.Seconds != test.seconds || request != test.request || w.Served != 7 || *w.Collections != (control.CollectionStatus{Seconds: 0.25, Requests: 4, Share: 0.0625}) {
			t.Errorf("%s: %+v, %q", name, w, request)
		}
	}
}

func TestCollectionsOfAll(t *testing.T) {
	told := &control.CollectionStatus{Seconds: 1, Requests: 16, Share: 0.0625}
	untold := control.WorkerStatus{Collections: collectionStatusOf(0, 0)}
	slots := []control.SlotStatus{{Workers: []control.WorkerStatus{{Collections: told}, untold}}, {},
		{Workers: []control.WorkerStatus{{Collections: collectionStatusOf(2, 16)}}}}
	if sum := sumCollections(slots); sum == nil || *sum != (control.CollectionStatus{Seconds: 3, Requests: 32, Share: 0.09375}) {
		t.Errorf("%+v", sum)
	}
	if sum := sumCollections(slots[1:2]); sum != nil {
		t.Errorf("of no worker: %+v", sum)
	}
}

// TestMemoryOfSome: what is not known is not in the sum, and counted.
func TestMemoryOfSome(t *testing.T) {
	shot := snapshot{status: control.Status{Pid: 1, Generations: []control.GenerationStatus{{Preloaders: []control.PreloaderStatus{{Pid: 2}, {}}}}, Slots: []control.SlotStatus{
		{Workers: []control.WorkerStatus{{Pid: 3, Key: ident.Key{Serial: 8}}, {Key: ident.Key{Serial: 9}}}},
		{Workers: []control.WorkerStatus{{Pid: 4, Key: ident.Key{Serial: 10}}}}}}}
	readings := map[surveyed]reading{}
	for i, p := range shot.processes() {
		if p.pid != 4 {
			readings[p] = reading{proc.Usage{PSS: 5, Private: 2, RSS: 9}, 1500 * time.Millisecond, time.Now().Add(-time.Duration(p.pid) * time.Minute)}
		}
		if want := []surveyed{{1, 0}, {2, 0}, {3, 8}, {4, 10}}[i]; p != want {
			t.Errorf("process %d: %+v, want %+v", i, p, want)
		}
	}
	shot.addMemory(readings)
	m, w := shot.status.Memory, shot.status.Slots[0].Workers
	if m.PSS != 15 || m.Processes != 4 || m.Measured != 3 || int(m.Seconds) != 180 || m.Launcher == nil {
		t.Errorf("%+v", m)
	}
	if w[0].Memory == nil || w[0].Memory.Shared != 7 || w[1].Memory != nil || shot.status.Slots[1].Workers[0].Memory != nil ||
		shot.status.Generations[0].Preloaders[0].Memory == nil || shot.status.Generations[0].Preloaders[1].Memory != nil {
		t.Errorf("%+v", shot.status)
	}
}

// A slot that was removed has no file, and its number may be of another one by now.
func TestFilesOfARemovedSlot(t *testing.T) {
	removed := control.SlotStatus{Slot: 1, State: control.RemovedSlot}
	shot := snapshot{status: control.Status{Slots: []control.SlotStatus{{Slot: 0, Socket: "/nowhere/fastcgi.socket-0", Open: true}, removed}},
		inodes: make([]uint64, 2), files: make([]sockets.NamedFile, 1)}
	shot.addFiles()
	if slots := shot.status.Slots; slots[0].Open || slots[1].Open {
		t.Errorf("%+v", slots)
	}
}

// busyFront is one from which a request goes on to a socket, as soon as it has told how many wait.
type busyFront struct {
	Front
	waiting int
	goesOn  func()
}

func (f busyFront) Status() *control.FrontStatus {
	defer f.goesOn()
	return &control.FrontStatus{Waiting: f.waiting}
}

// TestQueueHasWhatWaitsInTheFront, and what waits at the sockets, each request once.
func TestQueueHasWhatWaitsInTheFront(t *testing.T) {
	path := filepath.Join(testdir.Short(t), "socket")
	listener, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	file, err := listener.(*net.UnixListener).File()
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		t.Fatal(err)
	}
	waits := func() {
		conn, err := net.Dial("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
	}
	waits()
	waits()
	s := &Supervisor{log: slog.New(slog.DiscardHandler), config: Config{Front: busyFront{waiting: 3, goesOn: waits}}}
	shot := snapshot{status: control.Status{Slots: make([]control.SlotStatus, 2)}, inodes: []uint64{0, info.Sys().(*syscall.Stat_t).Ino}}
	shot.addQueues(s)
	s.figures.peaks.addTo(&shot.status)
	status := shot.status
	if q := status.Slots[1].Queue; status.Front == nil || status.Queue != (control.QueueStatus{Now: 5, Max: 5}) || q == nil || *q != 2 || status.Slots[0].Queue != nil {
		t.Errorf("%+v, %+v, %+v", status.Queue, status.Front, status.Slots)
	}
}
