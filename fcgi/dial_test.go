package fcgi_test

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	. "launcher/fcgi"
	"launcher/fcgi/fcgitest"
)

// fullListener has a backlog of one, which connections fill that say nothing until release closes them.
func fullListener(t *testing.T) (listener net.Listener, path string, release func()) {
	t.Helper()
	path = filepath.Join(fcgitest.TempDir(t), "s")
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC|syscall.SOCK_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	file := os.NewFile(uintptr(fd), path)
	defer file.Close()
	if err := syscall.Bind(fd, &syscall.SockaddrUnix{Name: path}); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	listener, err = net.FileListener(file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	var filling []net.Conn
	release = func() {
		for _, conn := range filling {
			conn.Close()
		}
	}
	t.Cleanup(release)
	for {
		conn, err := net.Dial("unix", path)
		if errors.Is(err, syscall.EAGAIN) {
			return listener, path, release
		}
		if err != nil {
			t.Fatal(err)
		}
		filling = append(filling, conn)
	}
}

func TestClientFullBacklog(t *testing.T) {
	_, path, _ := fullListener(t)
	client := &Client{Network: "unix", Address: path, DialTimeout: time.Second}
	if _, err := client.Do(fcgitest.Context(t), get()); !NothingSent(err) || !errors.Is(err, syscall.EAGAIN) {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(fcgitest.Context(t))
	cancel()
	if _, err := client.Do(ctx, get()); !NothingSent(err) || !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestClientWaitsForBacklog(t *testing.T) {
	listener, path, release := fullListener(t)
	client := &Client{Network: "unix", Address: path, DialTimeout: fcgitest.Patience}
	result := make(chan error, 1)
	go func() {
		_, _, err := fetch(fcgitest.Context(t), client, get())
		result <- err
	}()
	release()
	fcgitest.RespondOn(t, listener, fcgitest.After(fcgitest.Whole("A: b", "x")))
	if err := fcgitest.Await(t, "the end", result); err != nil {
		t.Error(err)
	}
}
