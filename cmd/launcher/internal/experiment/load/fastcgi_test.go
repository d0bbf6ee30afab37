package load

import (
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"launcher/fcgi"
	"launcher/fcgi/fcgitest"
)

func TestFastCGIResponses(t *testing.T) {
	const head = "Content-Type: text/plain\r\n\r\n"
	tests := []struct {
		name     string
		response [][]byte
		want     string // "" is a right answer of two bytes
		lines    int    // of the error stream
	}{
		{"plain", [][]byte{fcgitest.Stdout(head + "ok"), fcgitest.End()}, "", 0},
		{"with complaints", [][]byte{fcgitest.Stderr("first\nsecond\n"), fcgitest.Stdout(head + "ok"), fcgitest.End()}, "", 2},
		{"status", [][]byte{fcgitest.Stdout("Status: 500 Sorry\r\n" + head), fcgitest.Stderr("boom \x1b[31m\nmore"), fcgitest.End()},
			"status 500; error stream: boom ?[31m", 2},
		{"redirect", [][]byte{fcgitest.Stdout("Location: /login\r\n\r\n"), fcgitest.End()}, "status 302 to /login", 0},
		{"overloaded", [][]byte{fcgi.AppendEndRequest(nil, 1, 0, fcgi.StatusOverloaded)}, "await response head: application is overloaded", 0},
		{"ended without an answer", [][]byte{fcgitest.End()}, "await response head: request ended without a response", 0},
		{"no end", [][]byte{fcgitest.Stdout(head + "ok")}, "read response body: connection ended before END_REQUEST", 0},
		{"nothing", nil, "await response head: connection ended before END_REQUEST", 0},
		{"body long", [][]byte{fcgitest.Stdout("Content-Length: 1\r\n\r\nok"), fcgitest.End()},
			"read response body: response body is longer than its content length", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			socket := fcgitest.Responder(t, fcgitest.After(slices.Concat(tt.response...)))
			result := load(t, FastCGI([]string{socket}, ""), basic("/"))
			if tt.want == "" && (result.OK != 1 || result.Bytes != 2) {
				t.Errorf("%d right answers, %d bytes, %v", result.OK, result.Bytes, result.Failures)
			}
			if want := "GET /: " + tt.want; tt.want != "" && (result.Errors != 1 || result.Failures[0].Text != want) {
				t.Errorf("got %v, want %q", result.Failures, want)
			}
			if result.StderrLines != tt.lines || tt.lines > 0 && result.StderrFirst == "" {
				t.Errorf("%d lines, the first %q", result.StderrLines, result.StderrFirst)
			}
		})
	}
}

func TestFastCGIEnvironment(t *testing.T) {
	requests := make(chan fcgi.Params, 1)
	socket := fcgitest.Responder(t, func(conn net.Conn) {
		request, err := fcgitest.ReadRequest(conn)
		if err != nil {
			t.Error(err)
		}
		requests <- request.Params
		_, _ = conn.Write(slices.Concat(fcgitest.Stdout("A: b\r\n\r\n"), fcgitest.End()))
	})
	plan := basic("/a%20b?x=%20&y=/")
	plan.Host = "example.org:8080"
	plan.Header = http.Header{"Accept-Language": {"de", "en"}, "Cookie": {"a=b"}}
	load(t, FastCGI([]string{socket}, "/srv/public"), plan)
	var got []string
	for _, param := range <-requests {
		got = append(got, param.Name+"="+param.Value)
	}
	want := []string{"GATEWAY_INTERFACE=CGI/1.1", "SERVER_SOFTWARE=launcher-experiment", "SERVER_PROTOCOL=HTTP/1.1",
		"SERVER_NAME=example.org", "SERVER_PORT=8080", "SERVER_ADDR=127.0.0.1", "REMOTE_ADDR=127.0.0.1", "REMOTE_PORT=0",
		"REQUEST_METHOD=GET", "REQUEST_SCHEME=http", "REQUEST_URI=/a%20b?x=%20&y=/", "SCRIPT_NAME=", "PATH_INFO=/a b",
		"QUERY_STRING=x=%20&y=/", "DOCUMENT_ROOT=/srv/public", "HTTP_HOST=example.org:8080",
		"HTTP_ACCEPT_LANGUAGE=de, en", "HTTP_COOKIE=a=b", "HTTP_USER_AGENT=launcher-experiment"}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestFastCGIWorkerDies(t *testing.T) {
	listener := listen(t, "unix")
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		defer listener.Close()
		for i := range 11 {
			conn, err := listener.Accept()
			if err != nil {
				t.Error(err)
				return
			}
			if _, err = fcgitest.ReadRequest(conn); err == nil && i < 10 {
				_, err = conn.Write(slices.Concat(fcgitest.Stdout("A: b\r\n\r\n"), fcgitest.End()))
			}
			if i == 10 {
				_ = listener.Close() // first, so that the next request finds nobody
			}
			if _ = conn.Close(); err != nil {
				t.Error(err)
			}
		}
	}()
	plan := basic("/")
	plan.Requests = 30
	result := load(t, FastCGI([]string{listener.Addr().String()}, ""), plan)
	<-ended
	want := []Failure{{"GET /: connect: no such file or directory", 19},
		{"GET /: await response head: connection ended before END_REQUEST", 1}}
	if result.OK != 10 || result.Connects != 11 || !slices.Equal(result.Failures, want) {
		t.Errorf("%d right answers over %d connections, then %v", result.OK, result.Connects, result.Failures)
	}
}

func TestFastCGIInTurn(t *testing.T) {
	var counts [4]atomic.Int64
	var sockets []string
	for i := range counts {
		sockets = append(sockets, serveFastCGI(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			counts[i].Add(1)
			_, _ = io.WriteString(w, "ok")
		})))
	}
	plan := basic("/")
	plan.Requests = 40
	load(t, FastCGI(sockets, ""), plan)
	for i := range counts {
		if counts[i].Load() != 10 {
			t.Errorf("worker %d got %d of 40 requests", i, counts[i].Load())
		}
	}
}

// A worker that is busy gets no second request while another is free.
func TestFastCGIAvoidsTheBusy(t *testing.T) {
	others := make(chan struct{})
	var busy, free atomic.Int64
	sockets := []string{
		serveFastCGI(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
			busy.Add(1)
			select {
			case <-others:
			case <-time.After(fcgitest.Patience):
				t.Error("the free worker did not get the other requests")
			}
		})),
		serveFastCGI(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
			if free.Add(1) == 20 {
				close(others)
			}
		})),
	}
	plan := basic("/")
	plan.Requests, plan.Connections = 21, 2
	load(t, FastCGI(sockets, ""), plan)
	if busy.Load() != 1 || free.Load() != 20 {
		t.Errorf("the busy worker got %d requests, the free one %d", busy.Load(), free.Load())
	}
}

func TestFastCGIWithoutSockets(t *testing.T) {
	if _, err := Probe(t.Context(), FastCGI(nil, ""), basic("/")); err == nil || !strings.Contains(err.Error(), "no socket") {
		t.Errorf("got %v", err)
	}
}
