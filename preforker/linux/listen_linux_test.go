package linux

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

func TestListenModeAndBacklog(t *testing.T) {
	old := syscall.Umask(0o077)
	defer syscall.Umask(old)
	path := filepath.Join(t.TempDir(), "s")
	l, err := Listen(path, SocketOptions{Mode: 0o660, Gid: -1})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode().Perm(); got != 0o660 {
		t.Errorf("mode %o, want 660", got)
	}
	if conn, err := Accept(l); conn != nil || err != nil {
		t.Errorf("Accept on an empty backlog = %v, %v", conn, err)
	}
	client, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	conn, err := Accept(l)
	if err != nil || conn == nil {
		t.Fatalf("Accept = %v, %v", conn, err)
	}
	conn.Close()
}

func TestListenLeavesNothingWhenItFails(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	if os.Getuid() != 0 {
		// Only root may give a file away, and only a failing chown fails late.
		if l, err := Listen(path, SocketOptions{Mode: 0o660, Gid: 0}); err == nil {
			l.Close()
			t.Fatal("Listen gave the socket to group 0")
		}
	}
	if err := os.WriteFile(path, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(path, SocketOptions{Mode: 0o660, Gid: -1}); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("Listen over a regular file: %v, want EADDRINUSE", err)
	}
	if text, _ := os.ReadFile(path); string(text) != "precious" {
		t.Error("Listen touched a regular file")
	}
}

func TestSocketPeer(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	if _, listening, err := SocketPeer(path); listening || err != nil {
		t.Errorf("no file: %v, %v", listening, err)
	}
	l, err := Listen(path, SocketOptions{Mode: 0o600, Gid: -1})
	if err != nil {
		t.Fatal(err)
	}
	pid, listening, err := SocketPeer(path)
	if pid != os.Getpid() || !listening || err != nil {
		t.Errorf("own socket: pid %d, %v, %v", pid, listening, err)
	}
	l.Close()
	if _, listening, err := SocketPeer(path); listening || err != nil {
		t.Errorf("stale file: %v, %v", listening, err)
	}
}
