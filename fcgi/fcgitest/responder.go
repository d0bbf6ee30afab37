package fcgitest

import (
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// Patience bounds everything that a test waits for. It is generous: it passes
// only where something is broken.
const Patience = 2 * time.Minute

// TempDir is short, because a socket's path has at most 107 bytes.
func TempDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "fcgi")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// Listen listens on a unix socket.
func Listen(t testing.TB, path string) net.Listener {
	t.Helper()
	listener, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	return listener
}

// Responder accepts connections on a new socket and lets answer play the
// application on each. It returns the socket's path.
func Responder(t testing.TB, answer func(conn net.Conn)) string {
	t.Helper()
	path := filepath.Join(TempDir(t), "s")
	RespondOn(t, Listen(t, path), answer)
	return path
}

// RespondOn is Responder on a listener that is there.
func RespondOn(t testing.TB, listener net.Listener, answer func(conn net.Conn)) {
	var wait sync.WaitGroup
	wait.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			wait.Go(func() {
				defer conn.Close()
				if err := conn.SetDeadline(time.Now().Add(Patience)); err != nil {
					return
				}
				answer(conn)
			})
		}
	})
	t.Cleanup(func() {
		listener.Close()
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			wait.Wait()
		}()
		select {
		case <-ended:
		case <-time.After(Patience):
			t.Error("an application that the test plays has not ended")
		}
	})
}

// After plays an application that reads the request and then sends output.
func After(output []byte) func(net.Conn) {
	return func(conn net.Conn) {
		if _, err := ReadRequest(conn); err == nil {
			_, _ = conn.Write(output) // the client may have seen enough
		}
	}
}

// Silent plays an application that reads and never answers.
func Silent(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }
