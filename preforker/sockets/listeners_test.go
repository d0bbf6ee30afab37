package sockets

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"launcher/preforker/hint"
	"launcher/preforker/internal/testdir"
	"launcher/preforker/linux"
)

func TestSocketsAreBoundAndClosed(t *testing.T) {
	dir := testdir.Short(t)
	s, err := BindAll(Paths(dir, 3), socketOptions, 0)
	if err != nil {
		t.Fatal(err)
	}
	for slot, path := range s.places {
		if want := filepath.Join(dir, fmt.Sprintf("fastcgi.socket-%d", slot)); path != want {
			t.Errorf("slot %d is at %s, want %s", slot, path, want)
		}
		if info, err := os.Lstat(path); err != nil || info.Mode() != os.ModeSocket|0o640 {
			t.Errorf("%s: %v, %v", path, info, err)
		}
	}
	taken := s.Take(1)
	if taken == nil || s.Take(1) != nil {
		t.Error("a listener is given away once")
	}
	// A slot that gave its listener away has no file of its own to remove.
	if err := s.HideSlot(1); err != nil {
		t.Error(err)
	}
	if got := testdir.Names(t, dir); !slices.Equal(got, []string{"fastcgi.socket-0", "fastcgi.socket-1", "fastcgi.socket-2"}) {
		t.Errorf("%q", got)
	}
	if err := taken.Close(); err != nil {
		t.Error(err)
	}
	if err := s.Bind(1, Staleness{}); err != nil { // its file is stale now
		t.Errorf("bind again: %v", err)
	}
	if err := s.Hide(); err != nil {
		t.Error(err)
	}
	if got := testdir.Names(t, dir); len(got) != 0 {
		t.Errorf("hidden: %q", got)
	}
	s.Close()
	for slot := range s.Places() {
		if s.Listener(slot) != nil || s.Inode(slot) != 0 {
			t.Error("a listener is still open")
		}
	}
}

// TestSocketsAreBoundAllOrNone: what stands in the way of the last is found before the first is
// touched.
func TestSocketsAreBoundAllOrNone(t *testing.T) {
	listening := func(path string) (undo func()) {
		listener, err := net.Listen("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		return func() { _ = listener.Close() }
	}
	for name, test := range map[string]struct {
		prepare func(path string) (undo func())
		says    string
		try     string
	}{
		"a file": {func(path string) func() {
			if err := os.WriteFile(path, []byte("precious"), 0o600); err != nil {
				t.Fatal(err)
			}
			return func() {
				if text, err := os.ReadFile(path); string(text) != "precious" {
					t.Errorf("the file is %q, %v", text, err)
				}
			}
		}, "is not a socket; it was left alone", "--socket-dir"},
		"a link to a socket": {func(path string) func() {
			undo := listening(path + ".target")
			if err := os.Symlink(path+".target", path); err != nil {
				t.Fatal(err)
			}
			return undo
		}, "is not a socket; it was left alone", "--socket-dir"},
		"a pipe": {func(path string) func() {
			if err := syscall.Mkfifo(path, 0o666); err != nil {
				t.Fatal(err)
			}
			return func() {}
		}, "is not a socket; it was left alone", "--socket-dir"},
		"a folder": {func(path string) func() {
			if err := os.Mkdir(path, 0o777); err != nil {
				t.Fatal(err)
			}
			return func() {}
		}, "is not a socket; it was left alone", "--socket-dir"},
		"a socket of another type": {func(path string) func() {
			conn, err := net.ListenPacket("unixgram", path)
			if err != nil {
				t.Fatal(err)
			}
			return func() { _ = conn.Close() }
		}, "another program's; it was left alone", "--socket-dir"},
		// Its process is not seen to listen at this path.
		"somebody's socket by another name": {func(path string) func() {
			undo := listening(path + ".elsewhere")
			if err := os.Link(path+".elsewhere", path); err != nil {
				t.Fatal(err)
			}
			return undo
		}, "somebody listens on", "fuser -v"},
		"somebody's socket": {listening, fmt.Sprintf("the process %d listens on", os.Getpid()), fmt.Sprintf("ps %d", os.Getpid())},
	} {
		t.Run(name, func(t *testing.T) {
			dir := testdir.Short(t)
			undo := test.prepare(filepath.Join(dir, Name(2)))
			defer undo()
			before := testdir.Names(t, dir)
			s, err := BindAll(Paths(dir, 3), socketOptions, 1)
			if err == nil || s != nil || !strings.Contains(err.Error(), test.says) || !strings.Contains(hint.Of(err), test.try) {
				t.Errorf("%v, %q", err, hint.Of(err))
			}
			if after := testdir.Names(t, dir); !slices.Equal(after, before) {
				t.Errorf("the folder has %q, it had %q", after, before)
			}
		})
	}
}

func TestPredecessorsSocketIsStale(t *testing.T) {
	dir := testdir.Short(t)
	first, err := BindAll(Paths(dir, 1), socketOptions, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	if _, err := BindAll(Paths(dir, 1), socketOptions, os.Getpid()+1); err == nil {
		t.Error("another process's socket was taken for the predecessor's")
	}
	second, err := BindAll(Paths(dir, 1), socketOptions, os.Getpid())
	if err != nil {
		t.Fatalf("the predecessor's socket stands in the way: %v", err)
	}
	second.Close()
}

// TestFullQueueOfAPredecessor: nobody can connect, so the kernel does not tell who listens.
func TestFullQueueOfAPredecessor(t *testing.T) {
	dir := testdir.Short(t)
	path := filepath.Join(dir, Name(0))
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(fd)
	if err := errors.Join(syscall.Bind(fd, &syscall.SockaddrUnix{Name: path}), syscall.Listen(fd, 0)); err != nil {
		t.Fatal(err)
	}
	for {
		conn, err := net.Dial("unix", path)
		if err != nil {
			break
		}
		defer conn.Close()
	}
	if _, err := BindAll(Paths(dir, 1), socketOptions, 0); err == nil || !strings.Contains(err.Error(), "somebody listens on") || strings.Contains(hint.Of(err), "ps ") {
		t.Errorf("without a predecessor: %v, %q", err, hint.Of(err))
	}
	s, err := BindAll(Paths(dir, 1), socketOptions, 4711)
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
}

func TestBindTellsWhatFailed(t *testing.T) {
	s, err := BindAll(Paths(filepath.Join(testdir.Short(t), "nowhere"), 1), socketOptions, 0)
	if err == nil || s != nil || !strings.HasPrefix(err.Error(), "bind socket ") || hint.Of(err) == "" {
		t.Errorf("%v", err)
	}
}

// TestSocketsOfOthersAreLeftAlone: somebody has cleaned the folder and bound a socket of
// the same name. It is not removed with ours.
func TestSocketsOfOthersAreLeftAlone(t *testing.T) {
	dir := t.TempDir()
	options := linux.SocketOptions{Mode: 0o600, Gid: -1}
	ours, err := BindAll(Paths(dir, 2), options, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(ours.places[0]); err != nil {
		t.Fatal(err)
	}
	theirs, err := BindAll(Paths(dir, 1), options, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer theirs.Close()
	ours.Close()
	if _, err := os.Lstat(theirs.places[0]); err != nil {
		t.Errorf("the other's socket: %v", err)
	}
	if _, err := os.Lstat(ours.places[1]); !os.IsNotExist(err) {
		t.Errorf("our own is still there: %v", err)
	}
}
