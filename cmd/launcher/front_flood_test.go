//go:build linux

package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// startLimited starts an application behind the front with a limit of open files.
func startLimited(t *testing.T, files int, root string, args ...string) (in *instance, address string) {
	t.Helper()
	shell := append([]string{"-c", fmt.Sprintf(`ulimit -n %d && exec "$@"`, files), "sh", os.Args[0]}, args...)
	in = start(t, startOptions{root: root, program: "/bin/sh", args: append(shell, "--http", "127.0.0.1:0")})
	return in, in.waitLine(`workers? (?:is|are) ready: http://(\S+)/$`)[1]
}

// TestFrontLeavesDescriptorsToTheSupervisor: with far more clients than descriptors, each of which keeps its
// connection, the status answers, the application is loaded anew, and new clients are served.
func TestFrontLeavesDescriptorsToTheSupervisor(t *testing.T) {
	t.Parallel()
	in, address := startLimited(t, 400, copyApp(t, "hello"), "2")
	var kept []net.Conn
	defer func() {
		for _, conn := range kept {
			_ = conn.Close()
		}
	}()
	dial := func(text string) net.Conn {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		kept = append(kept, conn)
		_ = conn.SetDeadline(time.Now().Add(patience))
		if _, err := io.WriteString(conn, text); err != nil {
			t.Fatal(err)
		}
		return conn
	}
	for range 500 {
		resp, err := http.ReadResponse(bufio.NewReader(dial("GET / HTTP/1.1\r\nHost: a\r\n\r\n")), nil)
		if err != nil || resp.StatusCode != 200 {
			t.Fatalf("connection %d: %v, %v", len(kept), resp, err)
		}
	}
	for range 50 { // which are let in, and do not say what they want
		dial("GET / HTTP/1.1\r\nHos")
	}
	if state := in.status().State; state != "running" {
		t.Errorf("the status is %q", state)
	}
	in.signal(syscall.SIGHUP)
	in.waitLine(`worker left" slot=1 gen=1`)
	for slot := range 2 {
		if a := ask(t, in.socket(slot), "/"); !a.is("hello\n") {
			t.Errorf("slot %d: %v", slot, a)
		}
	}
	(<-later(http.MethodGet, "http://"+address+"/", nil)).expect(t, 200)
	if strings.Contains(in.log(), "too many open files") {
		t.Error("there were too few descriptors")
	}
}

// TestFrontWithoutRoom: a limit that leaves no room for connections is an error that says so.
func TestFrontWithoutRoom(t *testing.T) {
	t.Parallel()
	in := start(t, startOptions{root: copyApp(t, "hello"), program: "/bin/sh",
		args: []string{"-c", `ulimit -n 165 && exec "$@"`, "sh", os.Args[0], "2", "--http", "127.0.0.1:0"}})
	if status := in.wait(); status != exitFailed {
		t.Errorf("exit status %d", status)
	}
	contains(t, "standard error", in.log(), "leaves no room for connections", "ulimit -n")
}
