package front

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"launcher/fcgi/fcgitest"
)

// keptClient is a client on a connection that it keeps.
type keptClient struct {
	net.Conn
	answers *bufio.Reader
}

func newKeptClient(t *testing.T, url string) *keptClient {
	conn := rawTo(t, url, "")
	return &keptClient{Conn: conn, answers: bufio.NewReader(conn)}
}

func (c *keptClient) send(t *testing.T, path string) {
	t.Helper()
	if _, err := fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: h\r\n\r\n", path); err != nil {
		t.Fatal(err)
	}
}

// answer reads one, and returns whether it is the last.
func (c *keptClient) answer(t *testing.T) (last bool) {
	t.Helper()
	resp, err := http.ReadResponse(c.answers, nil)
	if err != nil {
		t.Fatal(err)
	}
	if body, err := io.ReadAll(resp.Body); err != nil || string(body) != "ok" {
		t.Errorf("got %q, %v", body, err)
	}
	return resp.Close
}

// keptEnd serves what a worker answers, and on request waits with, to kept clients until it is told to stop.
func keptEnd(t *testing.T, grace time.Duration) (url string, started <-chan struct{}, finish func(), stop func(), result <-chan error) {
	began, gate := make(chan struct{}, 1), make(chan struct{})
	answer := func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/wait" {
			began <- struct{}{}
			<-gate
		}
		_, _ = io.WriteString(w, "ok")
	}
	front := New(Config{Sockets: []string{standard(t, answer), standard(t, answer)}})
	t.Cleanup(front.Close)
	listener := NewListener(listenTCP(t), 0, quiet)
	listener.freshGrace = grace
	ctx, cancel := context.WithCancel(fcgitest.Context(t))
	ended := make(chan error, 1)
	go func() { ended <- Serve(ctx, fcgitest.Context(t), listener, front, quiet) }()
	return "http://" + listener.Addr().String(), began, sync.OnceFunc(func() { close(gate) }), cancel, ended
}

func awaitRefusal(t *testing.T, url string) {
	t.Helper()
	fcgitest.Eventually(t, "the end of the listener", func() bool {
		conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
		if err == nil {
			_ = conn.Close()
		}
		return err != nil
	})
}

// TestEndOfKeptConnections: a request that comes on one once the end was asked for is answered, as is one that was in flight then, and the
// answer says that it is the last.
func TestEndOfKeptConnections(t *testing.T) {
	url, started, finish, stop, result := keptEnd(t, time.Hour)
	defer finish()
	idle, busy := newKeptClient(t, url), newKeptClient(t, url)
	for _, client := range []*keptClient{idle, busy} {
		if client.send(t, "/"); client.answer(t) {
			t.Error("a connection is not kept")
		}
	}
	busy.send(t, "/wait")
	fcgitest.Await(t, "the request", started)
	stop()
	awaitRefusal(t, url)
	if idle.send(t, "/"); !idle.answer(t) {
		t.Error("the connection is to be kept")
	}
	finish()
	if !busy.answer(t) {
		t.Error("the connection is to be kept after what was in flight")
	}
	if err := fcgitest.Await(t, "the end", result); err != nil {
		t.Error(err)
	}
}

// TestEndOfSilentConnections: nobody waits for long for a client that asks for nothing, be it that it has asked before.
func TestEndOfSilentConnections(t *testing.T) {
	url, _, _, stop, result := keptEnd(t, freshGrace)
	kept, fresh := newKeptClient(t, url), newKeptClient(t, url)
	kept.send(t, "/")
	kept.answer(t)
	stop()
	if !ended(kept) || !ended(fresh) {
		t.Error("a connection stays")
	}
	if err := fcgitest.Await(t, "the end", result); err != nil {
		t.Error(err)
	}
}
