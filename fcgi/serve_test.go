package fcgi

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"testing"
	"time"
)

func startServe(t *testing.T, handler http.Handler, grace time.Duration) (url string, stop func(), result <-chan error) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(testContext(t))
	t.Cleanup(cancel)
	ended := make(chan error, 1)
	go func() { ended <- Serve(ctx, listener, handler, grace, slog.New(slog.DiscardHandler)) }()
	return "http://" + listener.Addr().String(), cancel, ended
}

func TestServeFinishesRequests(t *testing.T) {
	started, finish := make(chan struct{}), make(chan struct{})
	url, stop, result := startServe(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(started)
		<-finish
		_, _ = io.WriteString(w, "whole")
	}), patience)
	body := make(chan string)
	go func() {
		_, text, err := tryAsk(t, newRequest(t, "GET", url, nil))
		if err != nil {
			t.Error(err)
		}
		body <- text
	}()
	waitFor(t, "request", started)
	stop()
	for { // until the listener is closed
		conn, err := net.Dial("tcp", url[len("http://"):])
		if err != nil {
			break
		}
		conn.Close()
	}
	close(finish)
	if got := <-body; got != "whole" {
		t.Errorf("got %q", got)
	}
	if err := <-result; err != nil {
		t.Error(err)
	}
}

func TestServeCutsAfterGrace(t *testing.T) {
	started, over := make(chan struct{}), make(chan struct{})
	url, stop, result := startServe(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(started)
		<-r.Context().Done()
		close(over)
	}), time.Millisecond)
	go func() { _, _, _ = tryAsk(t, newRequest(t, "GET", url, nil)) }() // it is cut
	waitFor(t, "request", started)
	stop()
	if err := <-result; !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	waitFor(t, "end of the request", over)
}

func TestServeReportsListener(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener.Close()
	if err := Serve(testContext(t), listener, http.NotFoundHandler(), 0, slog.New(slog.DiscardHandler)); !errors.Is(err, net.ErrClosed) {
		t.Errorf("got %v", err)
	}
}
