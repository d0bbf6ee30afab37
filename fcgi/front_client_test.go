package fcgi

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// A client that goes away leaves a worker that is still busy.
func TestFrontClientGoesAway(t *testing.T) {
	started, finish := make(chan struct{}, 2), make(chan struct{})
	path := responder(t, func(conn net.Conn) {
		if _, err := readRequest(conn); err != nil {
			return
		}
		started <- struct{}{}
		<-finish
		_, _ = conn.Write(whole("A: b", "late"))
	})
	log := &logBuffer{}
	front, server := serveFront(t, FrontConfig{Sockets: []string{path}, Log: log.logger()})
	ctx, cancel := context.WithCancel(testContext(t))
	gone := make(chan error)
	go func() {
		_, err := http.DefaultTransport.RoundTrip(newRequest(t, "GET", server.URL, nil).WithContext(ctx))
		gone <- err
	}()
	waitFor(t, "first request", started)
	cancel()
	if err := <-gone; err == nil {
		t.Error("the client was answered")
	}
	second := make(chan string)
	go func() {
		_, body := ask(t, newRequest(t, "GET", server.URL, nil))
		second <- body
	}()
	eventually(t, "the second request", func() bool { _, waiting := front.Load(); return waiting > 0 })
	if busy, _ := front.Load(); busy != 1 {
		t.Error("the socket was given back while its worker was busy")
	}
	finish <- struct{}{}
	waitFor(t, "second request", started)
	finish <- struct{}{}
	if body := <-second; body != "late" {
		t.Errorf("got %q", body)
	}
}

func TestFrontAbandonsWorker(t *testing.T) {
	started, closed := make(chan struct{}), make(chan struct{})
	path := responder(t, func(conn net.Conn) {
		if _, err := readRequest(conn); err != nil {
			return // a probe
		}
		close(started)
		silent(conn)
		close(closed)
	})
	_, server := serveFront(t, FrontConfig{Sockets: []string{path}, AbortAfter: time.Millisecond, AbandonLimit: time.Millisecond})
	ctx, cancel := context.WithCancel(testContext(t))
	go func() {
		<-started
		cancel()
	}()
	if _, err := http.DefaultTransport.RoundTrip(newRequest(t, "GET", server.URL, nil).WithContext(ctx)); err == nil {
		t.Error("the client was answered")
	}
	waitFor(t, "end of the connection to the worker", closed)
}

// raw sends bytes to the front and returns the connection.
func raw(t *testing.T, server *httptest.Server, input string) net.Conn {
	t.Helper()
	return rawTo(t, server.URL, input)
}

func rawTo(t *testing.T, url, input string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, input); err != nil {
		t.Fatal(err)
	}
	return conn
}

// An application that answers without reading the body leaves bytes in the
// connection that must not become a request.
func TestFrontEarlyAnswerIsNotSmuggled(t *testing.T) {
	var requests atomic.Int32
	path := responder(t, func(conn net.Conn) {
		requests.Add(1)
		readHeadRecords(t, conn)
		_, _ = conn.Write(whole("Status: 401\r\nContent-Length: 2", "no"))
	})
	_, server := serveFront(t, FrontConfig{Sockets: []string{path}, MaxSpool: 1000})
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
func TestFrontStalledUpload(t *testing.T) {
	aborted := make(chan bool, 1)
	path := responder(t, func(conn net.Conn) {
		req, _ := readRequest(conn)
		aborted <- req.aborted
	})
	_, server := serveFront(t, FrontConfig{Sockets: []string{path}, StallLimit: 50 * time.Millisecond, MaxSpool: 1000})
	conn := raw(t, server, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\nabc")
	if !<-aborted {
		t.Error("the worker was not told")
	}
	_, _ = io.Copy(io.Discard, conn) // ends when the front closes
}

// A client that does not read must not hold a worker.
func TestFrontStalledDownload(t *testing.T) {
	ended := make(chan struct{})
	path := responder(t, func(conn net.Conn) {
		if _, err := readRequest(conn); err != nil {
			return // a probe, for one
		}
		defer close(ended)
		_, _ = conn.Write(stdout("A: b\r\n\r\n"))
		chunk := stdout(strings.Repeat("x", 60000))
		for {
			if _, err := conn.Write(chunk); err != nil {
				return
			}
		}
	})
	_, server := serveFront(t, FrontConfig{Sockets: []string{path}, StallLimit: 50 * time.Millisecond, AbandonLimit: time.Millisecond})
	raw(t, server, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	waitFor(t, "end of the worker's response", ended)
}

// A worker hears of an upload when all of it is there.
func TestFrontCollectsUploads(t *testing.T) {
	for _, size := range []int{10, smallBody, smallBody + 1, 200_000} {
		path := responder(t, func(conn net.Conn) {
			if req, err := readRequest(conn); err == nil {
				_, _ = conn.Write(whole(fmt.Sprintf("X-Size: %d", len(req.body)), ""))
			}
		})
		front, server := serveFront(t, FrontConfig{Sockets: []string{path}})
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

// One that cannot be collected, for want of room or of a folder, is passed on as it comes.
func TestFrontPassesUploadsOn(t *testing.T) {
	path := responder(t, func(conn net.Conn) {
		if req, err := readRequest(conn); err == nil {
			_, _ = conn.Write(whole(fmt.Sprintf("X-Size: %d", len(req.body)), ""))
		}
	})
	for name, config := range map[string]FrontConfig{"too large": {MaxSpool: 1000}, "no room": {MaxSpools: 1000}, "no folder": {SpoolDir: "/nowhere"}} {
		config.Sockets = []string{path}
		_, server := serveFront(t, config)
		resp, _ := ask(t, newRequest(t, "POST", server.URL, strings.NewReader(strings.Repeat("x", 100_000))))
		if resp.StatusCode != 200 || resp.Header.Get("X-Size") != "100000" {
			t.Errorf("%s: got %s", name, resp.Status)
		}
	}
}
