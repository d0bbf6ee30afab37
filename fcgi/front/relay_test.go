package front

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"launcher/fcgi"
	"launcher/fcgi/fcgitest"
)

func TestHandlerStreams(t *testing.T) {
	next := make(chan struct{})
	path := fcgitest.Responder(t, func(conn net.Conn) {
		if _, err := fcgitest.ReadRequest(conn); err != nil {
			return
		}
		for _, part := range []string{"X-A: b\r\n\r\n", "one", "two"} {
			_, _ = conn.Write(fcgitest.Stdout(part))
			<-next
		}
		_, _ = conn.Write(fcgitest.End())
	})
	_, server := serveFront(t, Config{Sockets: []string{path}})
	resp, err := http.DefaultTransport.RoundTrip(newRequest(t, "GET", server.URL, nil).WithContext(fcgitest.Context(t)))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, ok := resp.Header["Content-Type"]; ok {
		t.Error("a Content-Type was invented")
	}
	buf := make([]byte, 10)
	for _, want := range []string{"one", "two"} {
		fcgitest.Send(t, "the next chunk", next, struct{}{})
		if n, err := resp.Body.Read(buf); string(buf[:n]) != want || err != nil {
			t.Errorf("got %q, %v", buf[:n], err)
		}
	}
	fcgitest.Send(t, "the next chunk", next, struct{}{})
	if _, err := resp.Body.Read(buf); !errors.Is(err, io.EOF) {
		t.Errorf("got %v", err)
	}
}

func TestHandlerBadWorkers(t *testing.T) {
	tests := []struct {
		name   string
		output []byte
		status int // 0: the connection breaks
	}{
		{"closes at once", nil, 502},
		{"closes in head", fcgitest.Stdout("A: b\r\n"), 502},
		{"bad status", fcgitest.Whole("Status: 99", ""), 502},
		{"interim status", fcgitest.Whole("Status: 103 Early Hints\r\nLink: </a>", ""), 502},
		{"speaks http", []byte("HTTP/1.1 200 OK\r\n\r\n"), 502},
		{"overloaded", fcgi.AppendEndRequest(nil, 1, 0, fcgi.StatusOverloaded), 503},
		{"closes in body", fcgitest.Stdout("A: b\r\n\r\nhalf"), 0},
		{"closes before body", fcgitest.Stdout("A: b\r\n\r\n"), 0},
		{"body too short", fcgitest.Whole("Content-Length: 5", "half"), 0},
		{"body too long", fcgitest.Whole("Content-Length: 3", "half"), 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, server := serveFront(t, Config{Sockets: []string{fcgitest.Responder(t, fcgitest.After(test.output))}})
			resp, body, err := tryAsk(t, newRequest(t, "GET", server.URL, nil))
			switch {
			case test.status == 0 && err == nil && test.name != "body too long":
				t.Errorf("a broken response looks whole: %v, %q", resp.Status, body)
			case test.status != 0 && (err != nil || resp.StatusCode != test.status):
				t.Errorf("got %v, %v", resp, err)
			case test.status == 503 && resp.Header.Get("Retry-After") == "":
				t.Error("no Retry-After")
			}
		})
	}
}

func TestHandlerHeadTimeout(t *testing.T) {
	_, server := serveFront(t, Config{Sockets: []string{fcgitest.Responder(t, fcgitest.Silent)}, HeadTimeout: 20 * time.Millisecond})
	if resp, _ := ask(t, newRequest(t, "GET", server.URL, nil)); resp.StatusCode != http.StatusGatewayTimeout {
		t.Errorf("got %s", resp.Status)
	}
}

// A socket that refuses must not cost a request, whatever its method.
func TestHandlerTriesAnotherSocket(t *testing.T) {
	log := &fcgitest.Log{}
	good := fcgitest.Responder(t, func(conn net.Conn) {
		if req, err := fcgitest.ReadRequest(conn); err == nil {
			_, _ = conn.Write(fcgitest.Whole("A: b", string(req.Body)))
		}
	})
	_, server := serveFront(t, Config{Sockets: []string{"/nowhere/1", "/nowhere/2", good}, Log: log.Logger()})
	for range 3 {
		if resp, body := ask(t, newRequest(t, "POST", server.URL, strings.NewReader("body"))); resp.StatusCode != 200 || body != "body" {
			t.Errorf("got %s, %q", resp.Status, body)
		}
	}
	if !log.Contains("socket refused and was set aside") {
		t.Error("the refusal was not logged")
	}
}

func TestHandlerWaitsForSocket(t *testing.T) {
	path := filepath.Join(fcgitest.TempDir(t), "s")
	front, server := serveFront(t, Config{Sockets: []string{path}, SetAside: time.Millisecond, WaitLimit: 30 * time.Millisecond})
	resp, _ := ask(t, newRequest(t, "GET", server.URL, nil))
	if resp.StatusCode != 503 || resp.Header.Get("Retry-After") == "" {
		t.Errorf("got %s %v", resp.Status, resp.Header)
	}
	front.config.WaitLimit = fcgitest.Patience
	got := make(chan int)
	go func() {
		resp, _, err := tryAsk(t, newRequest(t, "GET", server.URL, nil))
		if err != nil {
			t.Error(err)
		}
		got <- resp.StatusCode
	}()
	fcgitest.RespondOn(t, fcgitest.Listen(t, path), fcgitest.After(fcgitest.Whole("A: b", "")))
	if status := fcgitest.Await(t, "the request", got); status != 200 {
		t.Errorf("got %d", status)
	}
}

// A worker has one request at a time, whatever the number of clients.
func TestHandlerOneRequestPerSocket(t *testing.T) {
	var active, most, served atomic.Int32
	answer := func() func(net.Conn) {
		var own atomic.Int32
		return func(conn net.Conn) {
			if _, err := fcgitest.ReadRequest(conn); err != nil {
				return
			}
			if own.Add(1) > 1 {
				t.Error("two requests at once on a socket")
			}
			most.Store(max(most.Load(), active.Add(1)))
			active.Add(-1)
			own.Add(-1)
			served.Add(1)
			_, _ = conn.Write(fcgitest.Whole("A: b", "x"))
		}
	}
	front, server := serveFront(t, Config{Sockets: []string{fcgitest.Responder(t, answer()), fcgitest.Responder(t, answer())}})
	done := make(chan error)
	const clients = 40
	for range clients {
		go func() {
			_, _, err := tryAsk(t, newRequest(t, "GET", server.URL, nil))
			done <- err
		}()
	}
	for range clients {
		if err := fcgitest.Await(t, "the request", done); err != nil {
			t.Error(err)
		}
	}
	if served.Load() != clients {
		t.Errorf("served %d", served.Load())
	}
	server.Close()
	if busy, waiting := front.Load(); busy != 0 || waiting != 0 {
		t.Errorf("busy %d, waiting %d", busy, waiting)
	}
}

func TestHandlerKeepsConnections(t *testing.T) {
	path := fcgitest.Responder(t, func(conn net.Conn) {
		if req, err := fcgitest.ReadRequest(conn); err == nil {
			_, _ = conn.Write(fcgitest.Whole(fmt.Sprintf("Content-Length: %d", len(req.Body)), string(req.Body)))
		}
	})
	_, server := serveFront(t, Config{Sockets: []string{path}})
	conn := raw(t, server, strings.Repeat("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", 3))
	input := bufio.NewReader(conn)
	for i := range 3 {
		resp, err := http.ReadResponse(input, nil)
		if err != nil {
			t.Fatalf("response %d: %v", i, err)
		}
		if body, err := io.ReadAll(resp.Body); err != nil || string(body) != "abc" {
			t.Errorf("response %d: %q, %v", i, body, err)
		}
	}
}

func TestHandlerLogsStderr(t *testing.T) {
	log := &fcgitest.Log{}
	_, server := serveFront(t, Config{Log: log.Logger(),
		Sockets: []string{fcgitest.Responder(t, fcgitest.After(slices.Concat(fcgitest.Stderr("oh dear\n"), fcgitest.Whole("A: b", ""))))}})
	ask(t, newRequest(t, "GET", server.URL, nil))
	if !log.Contains("oh dear") {
		t.Error("the worker's error was not logged")
	}
}
