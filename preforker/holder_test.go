package preforker

import (
	"net"
	"os"
	"path/filepath"
	"testing"
)

func TestHolders(t *testing.T) {
	dir := shortDir(t)
	path := filepath.Join(dir, pidFileName)
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	info, err := file.Stat()
	if err != nil {
		t.Fatal(err)
	}
	if !hasOpen(os.Getpid(), info, pidFileName) {
		t.Error("this process does not seem to have its file open")
	}
	if hasOpen(os.Getppid(), info, pidFileName) || hasOpen(-1, info, pidFileName) {
		t.Error("another one seems to have it open")
	}
	_ = file.Close()
	if hasOpen(os.Getpid(), info, pidFileName) {
		t.Error("this process seems to have a file open that it has closed")
	}
	socket := filepath.Join(dir, "a socket")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	if !listensAt(os.Getpid(), socket) || listensAt(os.Getppid(), socket) || listensAt(os.Getpid(), "socket") {
		t.Errorf("who listens at %s is not known", socket)
	}
}
