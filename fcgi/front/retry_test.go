package front

import (
	"bufio"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"launcher/fcgi/fcgitest"
)

// A request that changes nothing is given to another worker where the first one dies before its response, and no
// other request is; never twice.
func TestHandlerRepeats(t *testing.T) {
	for _, test := range []struct {
		name, method, body string
		output             []byte // of the worker that dies
		deaths             int32  // of as many workers
		status             int
		requests           int32
	}{
		{"GET", "GET", "", nil, 1, 200, 2},
		{"HEAD", "HEAD", "", nil, 1, 200, 2},
		{"after an error that it has logged", "GET", "", fcgitest.Stderr("oh dear\n"), 1, 200, 2},
		{"twice", "GET", "", nil, 2, 502, 2},
		{"in the head", "GET", "", fcgitest.Stdout("A: b"), 1, 502, 1},
		{"without a response", "GET", "", fcgitest.End(), 1, 502, 1},
		{"GET with a body", "GET", "x", nil, 1, 502, 1},
		{"POST", "POST", "x", nil, 1, 502, 1},
		{"empty POST", "POST", "", nil, 1, 502, 1},
		{"PUT", "PUT", "", nil, 1, 502, 1},
		{"OPTIONS", "OPTIONS", "", nil, 1, 502, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var requests atomic.Int32
			worker := func(conn net.Conn) {
				if _, err := fcgitest.ReadRequest(conn); err != nil {
					return
				}
				if requests.Add(1) <= test.deaths {
					_, _ = conn.Write(test.output)
				} else {
					_, _ = conn.Write(fcgitest.Whole("A: b", ""))
				}
			}
			log := &fcgitest.Log{}
			_, server := serveFront(t, Config{Sockets: []string{fcgitest.Responder(t, worker), fcgitest.Responder(t, worker)}, Log: log.Logger()})
			resp, _ := ask(t, newRequest(t, test.method, server.URL, strings.NewReader(test.body)))
			if resp.StatusCode != test.status || requests.Load() != test.requests {
				t.Errorf("got %s after %d requests", resp.Status, requests.Load())
			}
			if repeated := log.Contains("the request is given to another"); repeated != (test.requests > 1) {
				t.Errorf("the log tells of a second worker: %v", repeated)
			}
		})
	}
}

// A request that has brought its worker beyond a limit is given to no other one.
func TestHandlerDoesNotRepeatWhatPassesALimit(t *testing.T) {
	for timeout, status := range map[bool]int{true: 504, false: 502} {
		var requests atomic.Int32
		worker := func(conn net.Conn) {
			_, _ = fcgitest.ReadRequest(conn)
			requests.Add(1)
		}
		began := time.Now()
		_, server := serveFront(t, Config{Sockets: []string{fcgitest.Responder(t, worker), fcgitest.Responder(t, worker)},
			PassedLimit: func(socket int, given time.Time) (bool, bool) { return socket == 0 && !given.Before(began), timeout }})
		if resp, _ := ask(t, newRequest(t, "GET", server.URL, nil)); resp.StatusCode != status || requests.Load() != 1 {
			t.Errorf("got %s after %d requests, want %d after 1", resp.Status, requests.Load(), status)
		}
	}
}

// Where nobody else comes, the client is told of the worker that died.
func TestHandlerRepeatsInVain(t *testing.T) {
	path := fcgitest.Responder(t, func(conn net.Conn) { _, _ = fcgitest.ReadRequest(conn) })
	_, server := serveFront(t, Config{Sockets: []string{path}, SetAside: time.Hour, WaitLimit: 10 * time.Millisecond})
	if resp, _ := ask(t, newRequest(t, "GET", server.URL, nil)); resp.StatusCode != http.StatusBadGateway {
		t.Errorf("got %s", resp.Status)
	}
}

// So is one that closes its sending side while it waits for another.
func TestHandlerRepeatsForHalfClosedClient(t *testing.T) {
	path := fcgitest.Responder(t, func(conn net.Conn) { _, _ = fcgitest.ReadRequest(conn) })
	front, server := serveFront(t, Config{Sockets: []string{path}, SetAside: time.Hour})
	conn := raw(t, server, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	fcgitest.Eventually(t, "the request to wait for another worker", func() bool { busy, waiting := front.Load(); return busy == 0 && waiting == 1 })
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if resp, err := http.ReadResponse(bufio.NewReader(conn), nil); err != nil || resp.StatusCode != http.StatusBadGateway {
		t.Errorf("got %v, %v", resp, err)
	}
}

// One connection of HTTP/2 must not bring more requests than there is memory for.
func TestHandlerBoundsRequests(t *testing.T) {
	started, finish := make(chan struct{}), make(chan struct{})
	path := fcgitest.Responder(t, func(conn net.Conn) {
		if _, err := fcgitest.ReadRequest(conn); err == nil {
			close(started)
			<-finish
			_, _ = conn.Write(fcgitest.Whole("A: b", ""))
		}
	})
	_, server := serveFront(t, Config{Sockets: []string{path}, MaxRequests: 1})
	first := make(chan error, 1)
	go func() {
		_, _, err := tryAsk(t, newRequest(t, "GET", server.URL, nil))
		first <- err
	}()
	fcgitest.Await(t, "the first request", started)
	if resp, _ := ask(t, newRequest(t, "GET", server.URL, nil)); resp.StatusCode != 503 || resp.Header.Get("Retry-After") == "" {
		t.Errorf("got %s", resp.Status)
	}
	close(finish)
	if err := fcgitest.Await(t, "the answer", first); err != nil {
		t.Error(err)
	}
}
