package sockets

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"launcher/preforker/hint"
	"launcher/preforker/internal/testdir"
	"launcher/preforker/linux"
)

// passed is a copy of a socket as another process has it: it blocks until it is taken.
func passed(t *testing.T, socket syscall.Conn) *os.File {
	t.Helper()
	fd, err := linux.Duplicate(socket)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.SetNonblock(fd, false); err != nil {
		t.Fatal(err)
	}
	return os.NewFile(uintptr(fd), "passed")
}

func bindOne(t *testing.T, place string, options linux.SocketOptions, given map[int]Given) *Listeners {
	t.Helper()
	l, err := BindOthers([]string{place}, options, 0, given)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// connects says whether somebody listens at a place.
func connects(place string) bool {
	conn, err := net.Dial(Network(place), place)
	return err == nil && conn.Close() == nil
}

// TestKeptSocketIsTakenUp: it is there between two launchers, and the second one hides it as its own.
func TestKeptSocketIsTakenUp(t *testing.T) {
	for _, place := range []string{Paths(testdir.Short(t), 1)[0], Ports("127.0.0.1", freePorts(t, 1), 1)[0]} {
		first := bindOne(t, place, socketOptions, nil)
		kept := passed(t, first.Listener(0))
		first.Keep(0)
		first.Close()
		waiting, err := net.Dial(Network(place), place)
		if err != nil {
			t.Fatalf("nobody listens at %s between two launchers: %v", place, err)
		}
		second := bindOne(t, place, socketOptions, map[int]Given{0: {Socket: kept, Kept: true}})
		taken, err := linux.Accept(second.Listener(0))
		if err != nil || taken == nil {
			t.Errorf("%s: what waits is lost: %v", place, err)
		} else {
			_ = taken.Close()
		}
		_ = waiting.Close()
		if IsPort(place) {
			second.Close()
			continue
		}
		if len(second.Files()) != 1 {
			t.Error("the file is not watched")
		}
		if err := second.HideSlot(0); err != nil || connects(place) {
			t.Errorf("it is not hidden: %v", err)
		}
		second.Close()
	}
}

// TestKeptSocketThatIsNotAsItIsToBe is bound anew: its file is gone, or another one, or its mode is another one.
func TestKeptSocketThatIsNotAsItIsToBe(t *testing.T) {
	for name, test := range map[string]struct {
		options linux.SocketOptions
		change  func(path string) error
	}{
		"gone":         {socketOptions, os.Remove},
		"another mode": {linux.SocketOptions{Mode: 0o600, Gid: -1}, func(string) error { return nil }},
		"replaced": {socketOptions, func(path string) error {
			return errors.Join(os.Remove(path), os.Symlink(Name(7), path))
		}},
	} {
		path := Paths(testdir.Short(t), 1)[0]
		first := bindOne(t, path, socketOptions, nil)
		kept, systemds := passed(t, first.Listener(0)), passed(t, first.Listener(0))
		first.Keep(0)
		first.Close()
		if err := test.change(path); err != nil {
			t.Fatal(err)
		}
		second := bindOne(t, path, test.options, map[int]Given{0: {Socket: kept, Kept: true}})
		if !connects(path) {
			t.Errorf("%s: nobody listens", name)
		}
		if taken, err := linux.Accept(second.Listener(0)); err != nil || taken == nil {
			t.Errorf("%s: another socket is at the path: %v", name, err)
		} else {
			_ = taken.Close()
		}
		second.Close()
		_ = systemds.Close()
	}
}

// TestGivenSocketStays: what somebody else has bound is neither hidden nor closed, and is there again after its slot was closed.
func TestGivenSocketStays(t *testing.T) {
	path := Paths(testdir.Short(t), 1)[0]
	theirs, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer theirs.Close()
	l := bindOne(t, path, socketOptions, map[int]Given{0: {Socket: passed(t, theirs.(syscall.Conn))}})
	if !l.IsGiven(0) || slices.ContainsFunc(l.Files(), NamedFile.Held) {
		t.Error("it is taken for the launcher's own")
	}
	if err := l.HideSlot(0); err != nil || !connects(path) {
		t.Errorf("it is hidden: %v", err)
	}
	if l.Take(0) != nil || l.Listener(0) != nil {
		t.Error("it is given away")
	}
	if err := l.Bind(0, Staleness{}); err != nil || l.Listener(0) == nil {
		t.Errorf("it is not bound again: %v", err)
	}
	l.Close()
	if !connects(path) {
		t.Error("it is closed for whoever has bound it")
	}
}

// TestGivenSocketElsewhere is refused, with what to write.
func TestGivenSocketElsewhere(t *testing.T) {
	dir := testdir.Short(t)
	theirs, err := net.Listen("unix", filepath.Join(dir, "other"))
	if err != nil {
		t.Fatal(err)
	}
	defer theirs.Close()
	path := Paths(dir, 1)[0]
	_, err = BindOthers([]string{path}, socketOptions, 0, map[int]Given{0: {Socket: passed(t, theirs.(syscall.Conn))}})
	if !errors.Is(err, errElsewhere) || hint.Of(err) == "" {
		t.Error(err)
	}
	if _, err := os.Lstat(path); err == nil {
		t.Error("a socket is left behind")
	}
}
