package front

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"testing"

	"launcher/fcgi/fcgitest"
)

var quiet = slog.New(slog.DiscardHandler)

func startServe(t *testing.T, handler http.Handler) (url string, stop, cut func(), result <-chan error) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(fcgitest.Context(t))
	t.Cleanup(cancel)
	patient, cut := context.WithCancel(fcgitest.Context(t))
	t.Cleanup(cut)
	ended := make(chan error, 1)
	go func() { ended <- Serve(ctx, patient, NewListener(listener, 0, quiet), handler, quiet) }()
	return "http://" + listener.Addr().String(), cancel, cut, ended
}

func TestServeFinishesRequests(t *testing.T) {
	started, finish := make(chan struct{}), make(chan struct{})
	url, stop, _, result := startServe(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(started)
		<-finish
		_, _ = io.WriteString(w, "whole")
	}))
	body := make(chan string)
	go func() {
		_, text, err := tryAsk(t, newRequest(t, "GET", url, nil))
		if err != nil {
			t.Error(err)
		}
		body <- text
	}()
	fcgitest.Await(t, "request", started)
	stop()
	fcgitest.Eventually(t, "the end of the listener", func() bool {
		conn, err := net.Dial("tcp", url[len("http://"):])
		if err == nil {
			conn.Close()
		}
		return err != nil
	})
	close(finish)
	if got := fcgitest.Await(t, "the answer", body); got != "whole" {
		t.Errorf("got %q", got)
	}
	if err := fcgitest.Await(t, "the end", result); err != nil {
		t.Error(err)
	}
}

func TestServeCuts(t *testing.T) {
	started, over := make(chan struct{}), make(chan struct{})
	url, stop, cut, result := startServe(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(started)
		<-r.Context().Done()
		close(over)
	}))
	go func() { _, _, _ = tryAsk(t, newRequest(t, "GET", url, nil)) }() // it is cut
	fcgitest.Await(t, "request", started)
	stop()
	cut()
	if err := fcgitest.Await(t, "the end", result); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	fcgitest.Await(t, "end of the request", over)
}

func TestServeReportsListener(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener.Close()
	if err := Serve(fcgitest.Context(t), fcgitest.Context(t), NewListener(listener, 0, quiet), http.NotFoundHandler(), quiet); !errors.Is(err, net.ErrClosed) {
		t.Errorf("got %v", err)
	}
}

// TestServeAnswersWhoHasJustConnected: a request that arrives on a new connection once the end was asked for is one in flight.
func TestServeAnswersWhoHasJustConnected(t *testing.T) {
	url, stop, _, result := startServe(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "whole") }))
	address := url[len("http://"):]
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, text, err := tryAsk(t, newRequest(t, "GET", url, nil)); err != nil || text != "whole" { // which comes behind it
		t.Fatal(text, err)
	}
	stop()
	fcgitest.Eventually(t, "the end of the listener", func() bool {
		another, err := net.Dial("tcp", address)
		if err == nil {
			another.Close()
		}
		return err != nil
	})
	if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: shop\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(conn)
	if err != nil || !bytes.HasSuffix(answer, []byte("whole")) {
		t.Errorf("%q %v", answer, err)
	}
	if err := fcgitest.Await(t, "the end", result); err != nil {
		t.Error(err)
	}
}

// lastOnes is a listener of connections that have been made, which ends after them.
type lastOnes struct {
	net.Listener
	conns chan net.Conn
}

func (l *lastOnes) Accept() (net.Conn, error) {
	select {
	case conn := <-l.conns:
		return conn, nil
	default:
		return nil, net.ErrClosed
	}
}

func (l *lastOnes) Drain() {}

// TestServeLastOnes: who has connected is answered where the end was asked for before, whichever of the two is seen first.
func TestServeLastOnes(t *testing.T) {
	ended, end := context.WithCancel(fcgitest.Context(t))
	end()
	socket, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	for range 50 {
		client, err := net.Dial("tcp", socket.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		conn, err := socket.Accept()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(client, "GET / HTTP/1.1\r\nHost: shop\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		listener := &lastOnes{Listener: socket, conns: make(chan net.Conn, 1)}
		listener.conns <- conn
		handler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "whole") })
		joined := &lastOnes{Listener: socket, conns: make(chan net.Conn)} // has none
		err = Serve(ended, fcgitest.Context(t), NewListener(Join(keptOpen{listener}, keptOpen{joined}), 0, quiet), handler, quiet)
		answer, failed := io.ReadAll(client)
		if err != nil || failed != nil || !bytes.HasSuffix(answer, []byte("whole")) {
			t.Fatalf("%v, %q, %v", err, answer, failed)
		}
		_ = client.Close()
	}
}

// keptOpen is a listener whose socket is somebody else's.
type keptOpen struct{ *lastOnes }

func (keptOpen) Close() error { return nil }
