package preforker

import (
	"bytes"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"launcher/preforker/control"
	"launcher/preforker/core"
	"launcher/preforker/internal/testdir"
	"launcher/preforker/linux"
	"launcher/preforker/ruby"
	"launcher/preforker/sockets"
)

// newFolderOwner is a supervisor as far as its socket folder goes.
func newFolderOwner(t *testing.T, slots int) (*Supervisor, *bytes.Buffer) {
	t.Helper()
	s, _ := supervisorWithSockets(t, slots)
	var log bytes.Buffer
	s.log = slog.New(slog.NewTextHandler(&log, nil))
	s.sockets.Close()
	base := testdir.Short(t)
	s.config.App.Root, s.config.SocketDir = base, filepath.Join(base, "log")
	s.config.Workers, s.config.SocketMode, s.config.SocketGroup = slots, socketOptions.Mode, socketOptions.Gid
	s.config.Snippet, s.config.SnippetName = "configuration", "web.conf"
	s.config.SpawnMethod, s.config.Without = SpawnDirect, nil
	s.notices = make(chan notice, 64)
	s.heap = ruby.NewHeapFile(s.config.SocketDir, "/bin/ruby", s.config.App)
	if err := s.acquire(); err != nil {
		t.Fatal(err)
	}
	if err := s.heap.Write("3.1.2", map[string]int{"40": 1}); err != nil {
		t.Fatal(err)
	}
	s.serveControl()
	t.Cleanup(func() {
		close(s.done)
		s.release()
		s.tasks.Wait()
	})
	return s, &log
}

// check checks once, and returns what the core is told.
func (s *Supervisor) check(t *testing.T) core.Event {
	t.Helper()
	s.checkFolder()
	e, _ := s.translate(<-s.notices)
	return e
}

func (s *Supervisor) lostAll(t *testing.T) {
	t.Helper()
	lost, _ := s.check(t).(core.SocketsLost)
	if len(lost.Slots) != len(s.sockets.Places()) {
		t.Fatalf("lost %v", lost.Slots)
	}
	for _, slot := range lost.Slots {
		if failed := s.rebindSlot(slot); failed != nil {
			t.Errorf("%+v", failed)
		}
	}
	if found := s.check(t); found != nil {
		t.Errorf("there is more to do: %+v", found)
	}
}

var kept = []string{"fastcgi.socket-0", "fastcgi.socket-1", "launcher.heap", "launcher.pid", "launcher.sock", "web.conf"}

// TestFilesComeBack however they went.
func TestFilesComeBack(t *testing.T) {
	made := map[string]bool{"folder removed": true, "folder renamed": true} // anew, with the same permissions
	for name, clean := range map[string]func(dir string) error{
		"removed": func(dir string) error {
			var errs []error
			for _, name := range kept {
				errs = append(errs, os.Remove(filepath.Join(dir, name)))
			}
			return errors.Join(errs...)
		},
		"folder removed": os.RemoveAll,
		"folder renamed": func(dir string) error { return os.Rename(dir, dir+".old") },
		"folder replaced by a link": func(dir string) error {
			return errors.Join(os.Rename(dir, dir+".old"), os.Mkdir(dir+".new", 0o700), os.Symlink(dir+".new", dir))
		},
		"another folder": func(dir string) error { return errors.Join(os.Rename(dir, dir+".old"), os.Mkdir(dir, 0o700)) },
	} {
		t.Run(name, func(t *testing.T) {
			s, log := newFolderOwner(t, 2)
			if found := s.check(t); found != nil || log.Len() != 0 {
				t.Errorf("nothing is missing, but %+v", found)
			}
			as := os.ModeDir | os.ModeSetgid | 0o750
			if err := os.Chmod(s.config.SocketDir, as); err != nil {
				t.Fatal(err)
			}
			var err error
			if s.dir, err = sockets.MakeFolder(s.config.SocketDir); err != nil { // as if it had been so at the start
				t.Fatal(err)
			}
			shot := s.snapshot()
			if shot.addFiles(); !shot.status.Slots[1].Open {
				t.Error("the sockets are not told to be open")
			}
			if err := clean(s.config.SocketDir); err != nil {
				t.Fatal(err)
			}
			// Who asks before it is noticed is told the truth.
			if shot.addFiles(); shot.status.Slots[1].Open {
				t.Error("the sockets are told to be open")
			}
			s.lostAll(t)
			if got := testdir.Names(t, s.config.SocketDir); !slices.Equal(got, kept) {
				t.Errorf("the folder has %q", got)
			}
			if info, err := os.Stat(s.config.SocketDir); err != nil || made[name] && info.Mode() != as {
				t.Errorf("%v, %v", info.Mode(), err)
			}
			if p, err := sockets.LockPidFile(s.config.SocketDir); err == nil {
				p.Release()
				t.Error("the folder is not locked any more")
			}
			asking := testdir.Connect(t, filepath.Join(s.config.SocketDir, control.SocketName), "GET / HTTP/1.1\r\nHost: launcher\r\n\r\n")
			if text := testdir.ReadAll(t, asking); !strings.Contains(text, "GET /status") {
				t.Errorf("%q", text)
			}
			for _, what := range []string{"pid file", "control socket", "the web server's configuration"} {
				if n := strings.Count(log.String(), what); n != 1 {
					t.Errorf("%q stands in the log %d times:\n%s", what, n, log)
				}
			}
		})
	}
}

// TestSocketsThatWereMoved: each name has another one's socket.
func TestSocketsThatWereMoved(t *testing.T) {
	s, _ := newFolderOwner(t, 3)
	for _, move := range [][2]int{{0, 2}, {1, 0}} { // over another one, and where another one was
		if err := os.Rename(s.sockets.Places()[move[0]], s.sockets.Places()[move[1]]); err != nil {
			t.Fatal(err)
		}
	}
	s.lostAll(t)
}

// TestWaitingConnectionsMoveToTheNewSocket: who has connected to the older one notices nothing.
func TestWaitingConnectionsMoveToTheNewSocket(t *testing.T) {
	s, _ := newFolderOwner(t, 1)
	conn := testdir.Connect(t, s.sockets.Place(0), "request")
	testdir.HalfClose(t, conn)
	if err := os.Remove(s.sockets.Place(0)); err != nil {
		t.Fatal(err)
	}
	s.lostAll(t)
	listener, err := net.FileListener(s.sockets.Listener(0))
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	waiting, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	if got := testdir.ReadAll(t, waiting); got != "request" {
		t.Errorf("%q", got)
	}
	if _, err := waiting.Write([]byte("answer")); err != nil {
		t.Error(err)
	}
	_ = waiting.Close()
	if got := testdir.ReadAll(t, conn); got != "answer" {
		t.Errorf("%q", got)
	}
}

// TestFolderOfAnotherLauncher: it has taken the folder after that was cleaned. It is left alone,
// that is told once, and the folder is taken back when the other one has left.
func TestFolderOfAnotherLauncher(t *testing.T) {
	s, log := newFolderOwner(t, 2)
	for _, name := range kept {
		if err := os.Remove(filepath.Join(s.config.SocketDir, name)); err != nil {
			t.Fatal(err)
		}
	}
	other, err := sockets.LockPidFile(s.config.SocketDir)
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := sockets.BindAll(sockets.Paths(s.config.SocketDir, 2), linux.SocketOptions{Mode: 0o600, Gid: -1}, 0)
	if err != nil {
		t.Fatal(err)
	}
	files := theirs.Files()
	for range 3 {
		lost, _ := s.check(t).(core.SocketsLost)
		for _, slot := range lost.Slots {
			if failed, is := s.rebindSlot(slot).(core.SlotNotBound); !is || !failed.Told {
				t.Errorf("slot %d was bound: %+v", slot, failed)
			}
		}
	}
	for slot, path := range theirs.Places() {
		if files[slot].Lost(path) {
			t.Errorf("the socket of the other one is gone: %s", path)
		}
	}
	if n := strings.Count(log.String(), "somebody else has locked"); n != 1 || strings.Count(log.String(), "\n") != 1 {
		t.Errorf("the log tells it %d times:\n%s", n, log)
	}
	theirs.Close()
	other.Release()
	s.upkeep.next = time.Time{}
	s.check(t)
	for slot := range 2 {
		if failed := s.openSlot(slot); failed != nil {
			t.Errorf("%+v", failed)
		}
	}
	if p, err := sockets.LockPidFile(s.config.SocketDir); err == nil {
		p.Release()
		t.Error("the folder is not locked again")
	}
}

// TestFolderOfAnApplicationThatIsGone: an old release is not made anew, empty.
func TestFolderOfAnApplicationThatIsGone(t *testing.T) {
	s, log := newFolderOwner(t, 1)
	if err := os.RemoveAll(s.config.App.Root); err != nil {
		t.Fatal(err)
	}
	lost, _ := s.check(t).(core.SocketsLost)
	if !slices.Equal(lost.Slots, []int{0}) {
		t.Errorf("lost %v", lost.Slots)
	}
	if _, is := s.rebindSlot(0).(core.SlotNotBound); !is || !strings.Contains(log.String(), "the application's folder "+s.config.App.Root+" is gone") {
		t.Errorf("the log has %s", log)
	}
	if _, err := os.Stat(s.config.App.Root); !os.IsNotExist(err) {
		t.Errorf("it is there again: %v", err)
	}
	if err := os.MkdirAll(s.config.App.Root, 0o755); err != nil {
		t.Fatal(err)
	}
	s.upkeep.next = time.Time{}
	s.check(t)
	if failed := s.openSlot(0); failed != nil {
		t.Errorf("%+v", failed)
	}
}

// TestFolderThatIsFullOfOthers costs nothing: nobody looks for names that were not asked for.
func TestFolderThatIsFullOfOthers(t *testing.T) {
	s, _ := newFolderOwner(t, 1)
	names := []string{"fastcgi.socket-99999999999999999999", "fastcgi.socket-01", "fastcgi.socket--1", "fastcgi.socket-", "fastcgi.socket-1"}
	for _, name := range names {
		if err := os.WriteFile(filepath.Join(s.config.SocketDir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if found := s.check(t); found != nil {
		t.Errorf("%+v", found)
	}
	s.sockets.Close()
	for _, name := range names {
		if _, err := os.Lstat(filepath.Join(s.config.SocketDir, name)); err != nil {
			t.Error(err)
		}
	}
}

// TestFolderThatCannotBePutBack is told once, and comes back when it can.
func TestFolderThatCannotBePutBack(t *testing.T) {
	s, log := newFolderOwner(t, 2)
	dir := s.config.SocketDir
	if err := errors.Join(os.RemoveAll(dir), os.WriteFile(dir, []byte("precious"), 0o600)); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		s.upkeep.next = time.Time{}
		lost, _ := s.check(t).(core.SocketsLost)
		for _, slot := range lost.Slots {
			if failed, is := s.rebindSlot(slot).(core.SlotNotBound); !is || !failed.Told {
				t.Errorf("slot %d: %+v", slot, failed)
			}
		}
	}
	if n := strings.Count(log.String(), "\n"); n != 1 || !strings.Contains(log.String(), "could not be put back") {
		t.Errorf("%d lines in the log:\n%s", n, log)
	}
	if text, err := os.ReadFile(dir); string(text) != "precious" {
		t.Errorf("the file is %q, %v", text, err)
	}
	if s.upkeep.pause <= folderPeriod || !s.upkeep.next.After(time.Now()) {
		t.Errorf("the next attempt is at %v after %v", s.upkeep.next, s.upkeep.pause)
	}
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	// A slot that is tried again does not wait for the pause, too.
	if failed, is := s.openSlot(0).(core.SlotNotBound); !is || !failed.Told {
		t.Errorf("%+v", failed)
	}
	s.check(t)
	for slot := range 2 {
		if failed := s.openSlot(slot); failed != nil {
			t.Errorf("%+v", failed)
		}
	}
	if got := testdir.Names(t, dir); !slices.Equal(got, kept) {
		t.Errorf("the folder has %q", got)
	}
}
