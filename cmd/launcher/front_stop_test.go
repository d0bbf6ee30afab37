//go:build linux

package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"launcher/preforker/control"
)

// hangingFront starts hello with one worker behind the front, and a request in its hands.
func hangingFront(t *testing.T) (in *instance, gate, address string, first <-chan page) {
	t.Helper()
	gate, variable := gates(t)
	in = start(t, startOptions{root: copyApp(t, "hello"), env: []string{variable}, args: []string{"1", "--http", "127.0.0.1:0"}})
	address = in.waitLine(`workers? (?:is|are) ready: http://(\S+)/$`)[1]
	first = later(http.MethodGet, "http://"+address+"/hang?gate=go", nil)
	in.doing(0, "GET /hang")
	return in, gate, address, first
}

// TestStopOfTheFrontIsToldAtOnce: the log and the status say so while requests are in flight, and
// these are answered, those too that no worker has begun.
func TestStopOfTheFrontIsToldAtOnce(t *testing.T) {
	t.Parallel()
	in, gate, address, first := hangingFront(t)
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(conn, "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	input := bufio.NewReader(conn)
	if line, err := input.ReadString('\n'); err != nil || !strings.Contains(line, "100 Continue") {
		t.Fatalf("%q, %v", line, err)
	}
	if line, err := input.ReadString('\n'); err != nil || line != "\r\n" {
		t.Fatalf("%q, %v", line, err)
	}
	in.signal(syscall.SIGTERM)
	in.waitLine("msg=stopping signal=TERM")
	in.statusWhen("the status to be stopping", func(s control.Status) bool { return s.State == "stopping" })
	in.waitFor("the front to refuse", func() bool {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			_ = conn.Close()
		}
		return err != nil
	})
	if _, err := io.WriteString(conn, "4\r\nbody\r\n0\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	openGate(t, gate, "go")
	if got := (<-first).expect(t, 200); got.body != "released\n" {
		t.Errorf("the request in hand: %q", got.body)
	}
	resp, err := http.ReadResponse(input, nil)
	if err != nil {
		t.Fatal(err)
	}
	if body, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode != 200 || string(body) != "body" {
		t.Errorf("the upload in flight: %s %q, %v", resp.Status, body, err)
	}
	in.gone(0)
}

// TestSecondSignalWithTheFront kills at once, and the client is told.
func TestSecondSignalWithTheFront(t *testing.T) {
	t.Parallel()
	in, _, _, first := hangingFront(t)
	in.signal(syscall.SIGTERM)
	in.waitLine("msg=stopping")
	in.waitFor("the kill", func() bool { // one that comes too soon is the first one
		if in.count("killing what is left") > 0 {
			return true
		}
		_ = in.cmd.Process.Signal(syscall.SIGTERM)
		return false
	})
	in.gone(0)
	// 503 where the front has asked once more, a GET, before it stopped, and nobody is left.
	if got := <-first; got.err != nil || got.StatusCode != 502 && got.StatusCode != 503 {
		t.Errorf("the request in hand: %+v", got)
	}
}

// TestStopWhileADownloadIsSlow: the workers, which have nothing to do with it any more, run their exit handlers, and the client gets the
// rest afterwards.
func TestStopWhileADownloadIsSlow(t *testing.T) {
	t.Parallel()
	root, address := copyApp(t, "hello"), fmt.Sprintf("127.0.0.1:%d", freePort(t))
	write(t, filepath.Join(root, "config", "launcher.rb"), "after_fork { at_exit { $stdout.syswrite(\"handler of #{Process.pid}\\n\") } }\n")
	in := start(t, startOptions{root: root, args: []string{"1", "--http", address, "--drain-timeout", "15s"}})
	in.waitLine("1 worker is ready")
	const size = 30_000_000 // more than the buffers of the kernel hold
	slow, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer slow.Close()
	_ = slow.SetDeadline(time.Now().Add(patience))
	if _, err := fmt.Fprintf(slow, "GET /big?bytes=%d HTTP/1.1\r\nHost: a\r\n\r\n", size); err != nil {
		t.Fatal(err)
	}
	worker := in.statusWhen("the response to be made", func(s control.Status) bool {
		return len(s.Slots[0].Workers) > 0 && s.Slots[0].Workers[0].Served > 0 && s.Slots[0].Workers[0].Request == nil
	}).Slots[0].Workers[0].Pid
	in.signal(syscall.SIGTERM)
	in.waitLine(fmt.Sprintf("handler of %d", worker))
	in.waitLine(fmt.Sprintf(`worker left.* pid=%d exit="exit status 0"`, worker))
	resp, err := http.ReadResponse(bufio.NewReader(slow), nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.Copy(io.Discard, resp.Body); got != size || err != nil {
		t.Errorf("got %d bytes, %v", got, err)
	}
	in.gone(0)
}

// TestStopWhileLoadingWithTheFront: nothing will ever serve the request that waits, and its client is told.
func TestStopWhileLoadingWithTheFront(t *testing.T) {
	t.Parallel()
	address := fmt.Sprintf("127.0.0.1:%d", freePort(t))
	in := start(t, startOptions{root: copyApp(t, "broken_hang"), args: []string{"1", "--http", address}})
	in.waitLine("asking the settings server")
	early := later(http.MethodGet, "http://"+address+"/", nil)
	// It is in the front, or already in the socket's queue.
	in.statusWhen("the request", func(s control.Status) bool {
		queue := s.Slots[0].Queue
		return s.Front.Waiting > 0 || queue != nil && *queue > 0
	})
	in.signal(syscall.SIGTERM)
	in.gone(0)
	(<-early).expect(t, 503)
}

// TestStatusOfTheFront counts its connections, and the requests that no socket's queue holds.
func TestStatusOfTheFront(t *testing.T) {
	t.Parallel()
	in, gate, address, first := hangingFront(t)
	second := later(http.MethodGet, "http://"+address+"/", nil)
	front := in.statusWhen("the second request", func(s control.Status) bool { return s.Front != nil && s.Front.Waiting == 1 }).Front
	if front.Address != address || front.Connections != 2 || front.MaxConnections < 16 {
		t.Errorf("got %+v", front)
	}
	openGate(t, gate, "go")
	(<-first).expect(t, 200)
	(<-second).expect(t, 200)
}

// connected is a client of the front that has connected already.
func connected(t *testing.T, of *http.Client, network, address string) *http.Client {
	t.Helper()
	conn, err := net.Dial(network, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	of.Transport.(*http.Transport).DialContext = func(context.Context, string, string) (net.Conn, error) { return conn, nil }
	return of
}

// TestStopServesWhoHasConnected: where a stop comes while the front has as many connections as it may, those who have connected are
// served once there is room, at each of its addresses, and nobody new can connect.
func TestStopServesWhoHasConnected(t *testing.T) {
	t.Parallel()
	root, dir := copyApp(t, "hello"), t.TempDir()
	gate, variable := gates(t)
	cert, socket := filepath.Join(dir, "cert.pem"), filepath.Join(root, "http")
	pool := writeCertificate(t, cert)
	in := start(t, startOptions{root: root, program: "/bin/sh", env: []string{variable}, args: []string{"-c", `ulimit -n 275 && exec "$@"`, "sh", os.Args[0],
		"1", "--http", "http://127.0.0.1:0,https://127.0.0.1:0,unix:" + socket, "--tls-cert", cert, "--drain-timeout", "10m", "--queue-timeout", "10m"}}).serving()
	status := in.status().Front
	plain, secure := status.URLs[0], status.URLs[1]
	address := strings.TrimPrefix(plain, "http://")
	var answers []<-chan page
	for range status.MaxConnections {
		answers = append(answers, later(http.MethodGet, plain+"/hang?gate=go", nil))
	}
	in.waitFor("all connections to be taken", func() bool { return in.status().Front.Connections == status.MaxConnections })
	ask := func(of *http.Client, network, address, url string) {
		answers = append(answers, laterBy(connected(t, of, network, address), http.MethodGet, url, nil))
	}
	for range 4 { // one of each is in the launcher's hands already
		ask(client(), "tcp", address, plain+"/")
		ask(secureClient(pool), "tcp", strings.TrimPrefix(secure, "https://"), secure+"/")
		ask(client(), "unix", socket, "http://shop.example/")
	}
	other := filepath.Join(dir, "link") // as a mount in a container is
	if err := os.Link(socket, other); err != nil {
		t.Fatal(err)
	}
	in.signal(syscall.SIGTERM)
	reaches := func(network, at string) bool {
		conn, err := net.Dial(network, at)
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	}
	in.waitFor("nobody new to be able to connect", func() bool { return !reaches("tcp", address) && !exists(socket) })
	reached := 0 // no queue is as long
	in.waitFor("the socket to be gone by its other name", func() bool {
		if !reaches("unix", other) {
			return true
		}
		if reached++; reached > 200 {
			t.Fatal("it can be reached by its other name")
		}
		return false
	})
	openGate(t, gate, "go")
	for i, answer := range answers {
		if got := <-answer; got.err != nil || got.StatusCode != http.StatusOK {
			t.Errorf("request %d: %+v", i, got)
		}
	}
	in.gone(0)
}
