package linux

import (
	"net"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// TestReadinessTellsOnce: a connection that waits is told once, also one that came before, and left where it is.
func TestReadinessTellsOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "socket")
	listener, err := Listen(path, SocketOptions{Mode: 0o600, Gid: -1})
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	r, err := NewReadiness()
	if err != nil {
		t.Fatal(err)
	}
	told := make(chan int, 100)
	var waiting sync.WaitGroup
	waiting.Go(func() {
		if err := r.Wait(func(number int) { told <- number }); err != nil {
			t.Error(err)
		}
	})
	next := func() int {
		select {
		case number := <-told:
			return number
		case <-time.After(30 * time.Second):
			t.Fatal("nothing is told")
			return 0
		}
	}
	if err := r.Ask(listener, 7); err != nil {
		t.Fatal(err)
	}
	first, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	if n := next(); n != 7 {
		t.Errorf("%d", n)
	}
	if err := r.Ask(listener, 8); err != nil { // the same connection waits
		t.Fatal(err)
	}
	if n := next(); n != 8 {
		t.Errorf("%d", n)
	}
	second, err := net.Dial("unix", path) // which nobody has asked about
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	r.Forget(listener)
	r.Forget(listener)
	if err := r.Ask(listener, 9); err != nil {
		t.Fatal(err)
	}
	if n := next(); n != 9 {
		t.Errorf("%d", n)
	}
	for range 2 {
		if conn, err := Accept(listener); conn == nil || err != nil {
			t.Errorf("%v, %v", conn, err)
		} else {
			_ = conn.Close()
		}
	}
	r.Close()
	waiting.Wait()
	if len(told) > 0 {
		t.Error("a connection is told twice")
	}
}
