package front

import (
	"bufio"
	"container/list"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/iotest"
	"time"

	"launcher/fcgi/fcgitest"
)

const simple = "GET / HTTP/1.1\r\nHost: h\r\n\r\n"

// serveMax serves a handler with a bound on connections.
func serveMax(t *testing.T, max int, listener net.Listener, handler http.HandlerFunc, log *slog.Logger) (url string) {
	t.Helper()
	if listener == nil {
		listener = listenTCP(t)
	}
	return serveAt(t, NewListener(listener, max, log), handler)
}

func listenTCP(t *testing.T) net.Listener {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return listener
}

// serveAt serves a handler at a listener.
func serveAt(t *testing.T, l *Listener, handler http.Handler) (url string) {
	t.Helper()
	ctx, cancel := context.WithCancel(fcgitest.Context(t))
	ended := make(chan error, 1)
	go func() { ended <- Serve(ctx, ctx, l, handler, l.log) }()
	t.Cleanup(func() {
		cancel()
		<-ended
	})
	return "http://" + l.Addr().String()
}

func sayOK(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") }

// answerOn reads one response of a connection that stays.
func answerOn(t *testing.T, conn net.Conn) {
	t.Helper()
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	if body, err := io.ReadAll(resp.Body); err != nil || string(body) != "ok" {
		t.Errorf("got %q, %v", body, err)
	}
}

// ended waits for the end of a connection, or a reset, where something of what was sent was not read.
func ended(conn net.Conn) bool {
	n, err := conn.Read(make([]byte, 1))
	return n == 0 && err != nil && !errors.Is(err, os.ErrDeadlineExceeded)
}

// The connection that has been idle for the longest time makes room, and the others stay.
func TestListenerClosesIdleConnections(t *testing.T) {
	l := NewListener(listenTCP(t), 2, quiet)
	url := serveAt(t, l, http.HandlerFunc(sayOK))
	first := rawTo(t, url, simple)
	answerOn(t, first)
	fcgitest.Eventually(t, "the first connection to be idle", func() bool { return l.count(&l.idle) == 1 })
	second := rawTo(t, url, simple)
	answerOn(t, second)
	fcgitest.Eventually(t, "the second connection to be idle", func() bool { return l.count(&l.idle) == 2 })
	answerOn(t, rawTo(t, url, simple))
	if !ended(first) {
		t.Error("the first connection stays")
	}
	_, _ = io.WriteString(second, simple)
	answerOn(t, second)
}

// count is how many stand in a list.
func (l *Listener) count(where *list.List) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return where.Len()
}

// Far more clients than places, each of which keeps its connection: all are answered.
func TestListenerWithManyKeptConnections(t *testing.T) {
	url := serveMax(t, 5, nil, sayOK, quiet)
	for range 100 {
		answerOn(t, rawTo(t, url, simple))
	}
}

// A connection with a request is never closed for another, which waits.
func TestListenerWaits(t *testing.T) {
	started, finish := make(chan struct{}, 2), make(chan struct{})
	log := &fcgitest.Log{}
	url := serveMax(t, 1, nil, func(w http.ResponseWriter, _ *http.Request) {
		started <- struct{}{}
		<-finish
		sayOK(w, nil)
	}, log.Logger())
	first := rawTo(t, url, simple)
	fcgitest.Await(t, "the first request", started)
	second := rawTo(t, url, simple)
	fcgitest.Eventually(t, "the second connection to wait", func() bool { return log.Contains("all connections are taken") })
	if len(started) != 0 {
		t.Error("the second request was let in")
	}
	close(finish)
	answerOn(t, first)
	answerOn(t, second)
	if !ended(first) {
		t.Error("the first connection stays")
	}
}

// Connections that send nothing, or nothing whole, make room too once they had time to. A kept one is no better.
func TestListenerClosesSilentConnections(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := NewListener(listener, 1, quiet)
	l.freshGrace, l.headGrace = time.Millisecond, time.Millisecond
	server := &http.Server{Handler: http.HandlerFunc(sayOK), ConnState: l.connState}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = server.Serve(l)
	}()
	defer func() {
		_ = server.Close()
		<-served
	}()
	url := "http://" + listener.Addr().String()
	for name, input := range map[string]string{"silent": "", "unfinished": "GET / HT"} {
		early := rawTo(t, url, input)
		answerOn(t, rawTo(t, url, simple))
		if !ended(early) {
			t.Errorf("the %s connection stays", name)
		}
	}
	kept := rawTo(t, url, simple)
	answerOn(t, kept)
	_, _ = io.WriteString(kept, "G")
	answerOn(t, rawTo(t, url, simple))
	if _, err := kept.Read(make([]byte, 1)); err == nil {
		t.Error("the kept connection stays")
	}
}

// faultyListener fails a few times before each connection.
type faultyListener struct {
	net.Listener
	errors []error
}

func (l *faultyListener) Accept() (net.Conn, error) {
	if len(l.errors) > 0 {
		err := l.errors[0]
		l.errors = l.errors[1:]
		return nil, &net.OpError{Op: "accept", Err: err}
	}
	return l.Listener.Accept()
}

// No trouble of accept ends the front, those that net/http takes for final neither.
func TestListenerSurvivesTrouble(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	log := &fcgitest.Log{}
	url := serveMax(t, 0, &faultyListener{listener, []error{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.EPERM}}, sayOK, log.Logger())
	answerOn(t, rawTo(t, url, simple))
	if !log.Contains("connection was not accepted") || !log.Contains("too many open files") {
		t.Error("nothing was logged")
	}
}

// A stop lets in who waits for that, once there is room, and does not wait for long for who says nothing then.
func TestListenerStopsWhileFull(t *testing.T) {
	for name, request := range map[string]string{"asks": simple, "says nothing": ""} {
		t.Run(name, func(t *testing.T) {
			var once sync.Once
			started, finish := make(chan struct{}), make(chan struct{})
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			log := &fcgitest.Log{}
			ctx, stop := context.WithCancel(fcgitest.Context(t))
			result := make(chan error, 1)
			go func() {
				result <- Serve(ctx, fcgitest.Context(t), NewListener(listener, 1, log.Logger()), http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					once.Do(func() { close(started) })
					<-finish
					sayOK(w, nil)
				}), log.Logger())
			}()
			url := "http://" + listener.Addr().String()
			first := rawTo(t, url, simple)
			fcgitest.Await(t, "the first request", started)
			second := rawTo(t, url, request)
			fcgitest.Eventually(t, "the second connection to wait", func() bool { return log.Contains("all connections are taken") })
			stop()
			close(finish)
			answerOn(t, first)
			if request == "" {
				if !ended(second) {
					t.Error("who says nothing was answered")
				}
			} else {
				answerOn(t, second)
			}
			if err := fcgitest.Await(t, "the end", result); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestChunkedScan(t *testing.T) {
	for input, want := range map[string]bool{
		"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n":          true,
		"POST / HTTP/1.0\r\nA: b\r\ntRANSFER-eNCODING\t:x\r\n":       true,
		"\n\ntransfer-encoding":                                      true,
		"\ntransfer-\ntransfer-encoding":                             true,
		"POST /transfer-encoding HTTP/1.0\r\nX-Transfer-Encoding: x": false,
		"\ntransfer-encodin":                                         false,
		"":                                                           false,
	} {
		for name, reader := range map[string]io.Reader{"whole": strings.NewReader(input), "bytes": iotest.OneByteReader(strings.NewReader(input))} {
			scan, buf := &chunkedScan{}, make([]byte, 100)
			for {
				n, err := reader.Read(buf)
				scan.scan(buf[:n])
				if err != nil {
					break
				}
			}
			if got := scan.found.Load(); got != want {
				t.Errorf("%q, %s: got %v", input, name, got)
			}
		}
	}
}
