package front

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"launcher/fcgi/fcgitest"
)

// A client that goes away leaves a worker that is still busy.
func TestHandlerClientGoesAway(t *testing.T) {
	started, finish := make(chan struct{}, 2), make(chan struct{})
	path := fcgitest.Responder(t, func(conn net.Conn) {
		if _, err := fcgitest.ReadRequest(conn); err != nil {
			return
		}
		started <- struct{}{}
		<-finish
		_, _ = conn.Write(fcgitest.Whole("A: b", "late"))
	})
	log := &fcgitest.Log{}
	front, server := serveFront(t, Config{Sockets: []string{path}, Log: log.Logger()})
	ctx, cancel := context.WithCancel(fcgitest.Context(t))
	gone := make(chan error)
	go func() {
		_, err := http.DefaultTransport.RoundTrip(newRequest(t, "GET", server.URL, nil).WithContext(ctx))
		gone <- err
	}()
	fcgitest.Await(t, "first request", started)
	cancel()
	if err := fcgitest.Await(t, "the end", gone); err == nil {
		t.Error("the client was answered")
	}
	second := make(chan string)
	go func() {
		_, body := ask(t, newRequest(t, "GET", server.URL, nil))
		second <- body
	}()
	fcgitest.Eventually(t, "the second request", func() bool { _, waiting := front.Load(); return waiting > 0 })
	if busy, _ := front.Load(); busy != 1 {
		t.Error("the socket was given back while its worker was busy")
	}
	fcgitest.Send(t, "the end of the request", finish, struct{}{})
	fcgitest.Await(t, "second request", started)
	fcgitest.Send(t, "the end of the request", finish, struct{}{})
	if body := fcgitest.Await(t, "the second answer", second); body != "late" {
		t.Errorf("got %q", body)
	}
}

func TestHandlerAbandonsWorker(t *testing.T) {
	started, closed := make(chan struct{}), make(chan struct{})
	path := fcgitest.Responder(t, func(conn net.Conn) {
		if _, err := fcgitest.ReadRequest(conn); err != nil {
			return // a probe
		}
		close(started)
		fcgitest.Silent(conn)
		close(closed)
	})
	_, server := serveFront(t, Config{Sockets: []string{path}, AbortAfter: time.Millisecond, AbandonLimit: time.Millisecond})
	ctx, cancel := context.WithCancel(fcgitest.Context(t))
	go func() {
		<-started
		cancel()
	}()
	if _, err := http.DefaultTransport.RoundTrip(newRequest(t, "GET", server.URL, nil).WithContext(ctx)); err == nil {
		t.Error("the client was answered")
	}
	fcgitest.Await(t, "end of the connection to the worker", closed)
}

// An application that answers without reading the body leaves bytes in the
// connection that must not become a request.
func TestHandlerEarlyAnswerIsNotSmuggled(t *testing.T) {
	var requests atomic.Int32
	path := fcgitest.Responder(t, func(conn net.Conn) {
		requests.Add(1)
		fcgitest.ReadHead(t, conn)
		_, _ = conn.Write(fcgitest.Whole("Status: 401\r\nContent-Length: 2", "no"))
	})
	_, server := serveFront(t, Config{Sockets: []string{path}, SpoolDir: "/nowhere"})
	conn := raw(t, server, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n")
	input := bufio.NewReader(conn)
	resp, err := http.ReadResponse(input, nil)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != 401 || string(body) != "no" || !resp.Close {
		t.Errorf("got %v, %q, %v", resp, body, err)
	}
	_, _ = io.WriteString(conn, "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n")
	if rest, _ := io.ReadAll(input); len(rest) > 0 {
		t.Errorf("got a second answer: %q", rest)
	}
	if requests.Load() != 1 {
		t.Errorf("%d requests", requests.Load())
	}
}

// A client that stops in mid-body must not hold a worker, where it gets one before its body is there.
func TestHandlerStalledUpload(t *testing.T) {
	aborted := make(chan bool, 1)
	path := fcgitest.Responder(t, func(conn net.Conn) {
		req, _ := fcgitest.ReadRequest(conn)
		aborted <- req.Aborted
	})
	_, server := serveFront(t, Config{Sockets: []string{path}, StallLimit: 50 * time.Millisecond, SpoolDir: "/nowhere"})
	conn := raw(t, server, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\nabc")
	if !fcgitest.Await(t, "the abort", aborted) {
		t.Error("the worker was not told")
	}
	_, _ = io.Copy(io.Discard, conn) // ends when the front closes
}

// A client that does not read must not hold a worker.
func TestHandlerStalledDownload(t *testing.T) {
	ended := make(chan struct{})
	path := fcgitest.Responder(t, func(conn net.Conn) {
		if _, err := fcgitest.ReadRequest(conn); err != nil {
			return // a probe, for one
		}
		defer close(ended)
		_, _ = conn.Write(fcgitest.Stdout("A: b\r\n\r\n"))
		chunk := fcgitest.Stdout(strings.Repeat("x", 60000))
		for {
			if _, err := conn.Write(chunk); err != nil {
				return
			}
		}
	})
	_, server := serveFront(t, Config{Sockets: []string{path}, StallLimit: 50 * time.Millisecond, AbandonLimit: time.Millisecond})
	raw(t, server, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	fcgitest.Await(t, "end of the worker's response", ended)
}

// A worker hears of an upload when all of it is there.
func TestHandlerCollectsUploads(t *testing.T) {
	for _, size := range []int{10, smallBody, smallBody + 1, 200_000} {
		path := fcgitest.Responder(t, func(conn net.Conn) {
			if req, err := fcgitest.ReadRequest(conn); err == nil {
				_, _ = conn.Write(fcgitest.Whole(fmt.Sprintf("X-Size: %d", len(req.Body)), ""))
			}
		})
		front, server := serveFront(t, Config{Sockets: []string{path}})
		body := strings.Repeat("x", size)
		conn := raw(t, server, fmt.Sprintf("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n", size))
		input := bufio.NewReader(conn)
		if line, err := input.ReadString('\n'); err != nil || !strings.Contains(line, "100") { // the handler reads
			t.Fatalf("got %q, %v", line, err)
		}
		_, _ = io.WriteString(conn, body[:size/2])
		if busy, waiting := front.Load(); busy != 0 || waiting != 0 {
			t.Errorf("%d bytes: a worker is held", size)
		}
		if resp, _ := ask(t, newRequest(t, "GET", server.URL, nil)); resp.Header.Get("X-Size") != "0" {
			t.Errorf("%d bytes: got %s", size, resp.Status)
		}
		_, _ = io.WriteString(conn, body[size/2:])
		_, _ = input.ReadString('\n')
		resp, err := http.ReadResponse(input, nil)
		if err != nil || resp.Header.Get("X-Size") != fmt.Sprint(size) {
			t.Errorf("%d bytes: got %v, %v", size, resp, err)
		}
		server.Close()
		if front.spools.used != 0 {
			t.Errorf("%d bytes: %d bytes of room are lost", size, front.spools.used)
		}
	}
}

// One that cannot be collected for want of a folder is passed on as it comes.
func TestHandlerPassesUploadsOn(t *testing.T) {
	_, server := serveFront(t, Config{Sockets: []string{echoing(t)}, SpoolDir: "/nowhere"})
	resp, body := ask(t, newRequest(t, "POST", server.URL, strings.NewReader(strings.Repeat("x", 100_000))))
	if resp.StatusCode != 200 || !strings.Contains(body, " length=100000 ") {
		t.Errorf("got %s", resp.Status)
	}
}

// One that is too large, or has no room, is refused at once, and holds no worker.
func TestHandlerRefusesUploads(t *testing.T) {
	for name, test := range map[string]struct {
		config Config
		size   int
		status int
	}{
		"too large": {Config{MaxBody: 99_999}, 100_000, 413}, "small and too large": {Config{MaxBody: 10}, 11, 413}, "no room": {Config{MaxSpools: 99_999}, 100_000, 503},
		"just right": {Config{MaxBody: 100_000}, 100_000, 200}, "small and just right": {Config{MaxBody: 10}, 10, 200},
	} {
		test.config.Sockets = []string{echoing(t)}
		_, server := serveFront(t, test.config)
		req := newRequest(t, "POST", server.URL, strings.NewReader(strings.Repeat("x", test.size)))
		req.Header.Set("Expect", "100-continue")
		if resp, _ := ask(t, req); resp.StatusCode != test.status || test.status == 503 && resp.Header.Get("Retry-After") == "" {
			t.Errorf("%s: got %s", name, resp.Status)
		}
	}
}

// What clients announce and do not send takes no room from others.
func TestHandlerAnnouncedUploadsTakeNoRoom(t *testing.T) {
	front, server := serveFront(t, Config{Sockets: []string{echoing(t)}, MaxSpools: 100_000})
	stalled := raw(t, server, "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 90000\r\n\r\n")
	if _, err := stalled.Read(make([]byte, 1)); err != nil { // of 100 Continue: the handler reads
		t.Fatal(err)
	}
	if resp, _ := ask(t, newRequest(t, "POST", server.URL, strings.NewReader(strings.Repeat("x", 90_000)))); resp.StatusCode != 200 {
		t.Errorf("got %s", resp.Status)
	}
	stalled.Close()
	server.Close()
	if front.spools.used != 0 {
		t.Errorf("%d bytes of room are lost", front.spools.used)
	}
}

// A body has to come at a least rate, however regularly its bytes do.
func TestUploadRate(t *testing.T) {
	now := time.Now()
	u := &upload{stall: time.Minute, begin: now.Add(-time.Hour), read: 3600 * minUploadRate}
	if next := u.nextDeadline(); next.Before(now.Add(50*time.Second)) || next.After(now.Add(70*time.Second)) {
		t.Errorf("at the least rate: until %v", next.Sub(now))
	}
	u.read /= 2
	if next := u.nextDeadline(); next.After(now) {
		t.Errorf("at half of it: until %v", next.Sub(now))
	}
	u.read *= 100
	if next := u.nextDeadline(); next.Before(now.Add(50*time.Second)) || next.After(now.Add(70*time.Second)) {
		t.Errorf("at fifty times it: until %v", next.Sub(now))
	}
}
