package front

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
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

// aWhile is the time after which a stop cuts what is left here: less than net/http gives a client that asks for nothing.
const aWhile = 20 * time.Second

// serveAWhile serves until it is told to stop, and returns what comes of that: an error where something had to be cut.
func serveAWhile(t *testing.T, listener *Listener, handler http.Handler) (stop func(), result <-chan error) {
	ctx, cancel := context.WithCancel(fcgitest.Context(t))
	t.Cleanup(cancel)
	cut, end := context.WithTimeout(fcgitest.Context(t), aWhile)
	t.Cleanup(end)
	ended := make(chan error, 1)
	go func() {
		err := Serve(ctx, cut, listener, handler, quiet)
		ended <- errors.Join(err, cut.Err())
	}()
	return cancel, ended
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
	stop, result = serveAWhile(t, listener, front)
	return "http://" + listener.Addr().String(), began, sync.OnceFunc(func() { close(gate) }), stop, result
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

// TestEndOfSilentConnections: nobody waits for long for a client that asks for nothing, be it that it has asked before, or that something
// has come which is no request.
func TestEndOfSilentConnections(t *testing.T) {
	url, _, _, stop, result := keptEnd(t, freshGrace)
	kept, fresh, odd := newKeptClient(t, url), newKeptClient(t, url), newKeptClient(t, url)
	for _, client := range []*keptClient{kept, odd} {
		client.send(t, "/")
		client.answer(t)
	}
	if _, err := io.WriteString(odd, "\r\n"); err != nil {
		t.Fatal(err)
	}
	stop()
	if !ended(kept) || !ended(fresh) || !ended(odd) {
		t.Error("a connection stays")
	}
	if err := fcgitest.Await(t, "the end", result); err != nil {
		t.Error(err)
	}
}

// TestEndOfIdleHTTP2: frames come between two requests, too, of which the server knows as soon as it has read them.
func TestEndOfIdleHTTP2(t *testing.T) {
	certFile, keyFile, pool := writeCertificate(t, t.TempDir())
	l := NewListener(WithTLS(listenTCP(t), loadCertificate(t, certFile, keyFile)), 0, quiet)
	stop, result := serveAWhile(t, l, http.HandlerFunc(sayOK))
	conn := tls.Client(rawTo(t, "http://"+l.Addr().String(), ""), &tls.Config{RootCAs: pool, ServerName: "localhost", NextProtos: []string{"h2"}})
	const settings, ping = "\x00\x00\x00\x04\x00\x00\x00\x00\x00", "\x00\x00\x08\x06\x00\x00\x00\x00\x00ping ack"
	if _, err := io.WriteString(conn, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"+settings); err != nil {
		t.Fatal(err)
	}
	answers := bufio.NewReader(conn)
	fcgitest.Eventually(t, "the server to have begun", func() bool { _, err := answers.Peek(9); return err == nil })
	if _, err := io.WriteString(conn, ping); err != nil {
		t.Fatal(err)
	}
	fcgitest.Eventually(t, "the frame to be read", func() bool { return l.count(&l.head) == 1 })
	stop()
	if err := fcgitest.Await(t, "the end", result); err != nil {
		t.Error(err)
	}
}

// TestNeedsWorkers from the arrival of a request, whose body may come slowly, until its response is there.
func TestNeedsWorkers(t *testing.T) {
	front, server := serveFront(t, Config{Sockets: []string{standard(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(w, r.Body)
	})}})
	if front.NeedsWorkers() {
		t.Error("nobody has asked")
	}
	conn := raw(t, server, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\no")
	fcgitest.Eventually(t, "the request", front.NeedsWorkers)
	if _, err := io.WriteString(conn, "kay"); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	if body, err := io.ReadAll(resp.Body); err != nil || string(body) != "okay" {
		t.Errorf("%q, %v", body, err)
	}
	fcgitest.Eventually(t, "the end of it", func() bool { return !front.NeedsWorkers() })
}

// TestQuiet: a listener that has ended, and none of whose connections may bring a request.
func TestQuiet(t *testing.T) {
	l := NewListener(listenTCP(t), 0, quiet)
	client := rawTo(t, "http://"+l.Addr().String(), "")
	accepted, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	if l.Quiet() {
		t.Error("it has not ended")
	}
	_ = l.Close()
	if l.Quiet() {
		t.Error("a new connection may bring a request")
	}
	_ = client.Close()
	_ = accepted.Close()
	if !l.Quiet() {
		t.Error("nobody is there")
	}
}
