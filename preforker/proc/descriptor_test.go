//go:build linux

package proc

import (
	"net"
	"os"
	"path/filepath"
	"testing"

	"launcher/preforker/internal/testdir"
)

func TestWhoHasAFileOpen(t *testing.T) {
	dir := testdir.Short(t)
	path := filepath.Join(dir, "launcher.pid")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	info, err := file.Stat()
	if err != nil {
		t.Fatal(err)
	}
	if !HasOpen(os.Getpid(), info, "launcher.pid") {
		t.Error("this process does not seem to have its file open")
	}
	if HasOpen(os.Getppid(), info, "launcher.pid") || HasOpen(-1, info, "launcher.pid") {
		t.Error("another one seems to have it open")
	}
	_ = file.Close()
	if HasOpen(os.Getpid(), info, "launcher.pid") {
		t.Error("this process seems to have a file open that it has closed")
	}
	socket := filepath.Join(dir, "a socket")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	if !ListensAt(os.Getpid(), socket) || ListensAt(os.Getppid(), socket) || ListensAt(os.Getpid(), "socket") {
		t.Errorf("who listens at %s is not known", socket)
	}
}
