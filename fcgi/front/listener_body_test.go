package front

import (
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"launcher/fcgi/fcgitest"
)

// A connection in the middle of a request's body makes room once nothing has come for a while, whichever way
// the body goes.
func TestListenerClosesStalledBodies(t *testing.T) {
	for name, head := range map[string]string{
		"small":   "Content-Length: 10\r\n\r\nabc",
		"empty":   "Content-Length: 10\r\n\r\n",
		"spooled": "Content-Length: 20000\r\n\r\nabc",
		"passed":  "Content-Length: 40000\r\n\r\nabc",
		"chunked": "Transfer-Encoding: chunked\r\n\r\n9\r\nabc",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := NewListener(listenTCP(t), 1, quiet)
			l.freshGrace, l.headGrace, l.bodyGrace = time.Hour, time.Hour, 0
			config := Config{Sockets: []string{fcgitest.Responder(t, fcgitest.After(fcgitest.Whole("A: b", "ok")))}}
			if name == "passed" {
				config.SpoolDir = "/nowhere"
			}
			front := New(config)
			t.Cleanup(front.Close)
			url := serveAt(t, l, front)
			stalled := rawTo(t, url, "POST / HTTP/1.1\r\nHost: h\r\n"+head)
			answerOn(t, rawTo(t, url, simple))
			// A response would be in vain, and there is none: the client sees the end.
			if !ended(stalled) {
				t.Error("the stalled connection stays")
			}
		})
	}
}

// A connection whose request is complete stays, however long the application takes.
func TestListenerKeepsCompleteRequests(t *testing.T) {
	started, finish := make(chan struct{}, 2), make(chan struct{})
	log := &fcgitest.Log{}
	l := NewListener(listenTCP(t), 1, log.Logger())
	l.freshGrace, l.headGrace, l.bodyGrace = time.Hour, time.Hour, 0
	front := New(Config{Sockets: []string{fcgitest.Responder(t, func(conn net.Conn) {
		if _, err := fcgitest.ReadRequest(conn); err != nil {
			return
		}
		started <- struct{}{}
		<-finish
		_, _ = conn.Write(fcgitest.Whole("A: b", "ok"))
	})}})
	t.Cleanup(front.Close)
	url := serveAt(t, l, front)
	for _, body := range []string{"Content-Length: 3\r\n\r\nabc", "Content-Length: 20000\r\n\r\n" + strings.Repeat("a", 20000),
		"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"} {
		asking := rawTo(t, url, "POST / HTTP/1.1\r\nHost: h\r\n"+body)
		fcgitest.Await(t, "the request", started)
		next := rawTo(t, url, simple)
		fcgitest.Eventually(t, "the next connection to wait", func() bool { return l.waits() })
		if ok, again := l.makeRoom(); ok || again != 0 {
			t.Errorf("there is room: %v, or in %v", ok, again)
		}
		fcgitest.Send(t, "the end of the request", finish, struct{}{})
		answerOn(t, asking)
		fcgitest.Await(t, "the next request", started)
		fcgitest.Send(t, "the end of the request", finish, struct{}{})
		answerOn(t, next)
		next.Close()
	}
}

// waits tells whether somebody waits for room.
func (l *Listener) waits() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.open > l.max
}

// The longest silent goes first, and each byte begins its time anew.
func TestListenerStalledBodiesInOrder(t *testing.T) {
	l := NewListener(nil, 2, quiet)
	l.bodyGrace = time.Hour
	first, second := inBody(t, l), inBody(t, l)
	first.since, second.since = first.since.Add(-3*time.Hour), second.since.Add(-2*time.Hour)
	if first.list != &l.body || l.body.Front().Value != first {
		t.Fatal("the first is not the next to go")
	}
	l.received(first, 1)
	l.open++ // one waits for room
	if ok, _ := l.makeRoom(); !ok || first.closed || !second.closed {
		t.Errorf("room: %v, first gone: %v, second gone: %v", ok, first.closed, second.closed)
	}
	l.open++
	if ok, again := l.makeRoom(); ok || again <= 0 || again > time.Hour || first.closed {
		t.Errorf("room: %v, again in %v, first gone: %v", ok, again, first.closed)
	}
}

// Who waits for room learns of the first connection that may stall. A request whose connection gave way does not go on.
func TestListenerTellsOfBody(t *testing.T) {
	l := NewListener(nil, 1, quiet)
	g := inBody(t, l)
	select {
	case <-l.changed:
	default:
		t.Error("nothing was told")
	}
	if !g.bodyReceived() || g.list != nil {
		t.Error("it still waits for its body")
	}
	g.awaitBody()
	g.since = g.since.Add(-l.bodyGrace)
	l.open++
	if ok, _ := l.makeRoom(); !ok {
		t.Error("there is no room")
	}
	if g.bodyReceived() {
		t.Error("a request goes on whose connection gave way")
	}
}

// inBody is a connection that has entered and waits for a request's body.
func inBody(t *testing.T, l *Listener) *conn {
	server, client := net.Pipe()
	t.Cleanup(func() { client.Close() })
	entered, err := l.admit(server)
	if err != nil {
		t.Fatal(err)
	}
	l.connState(entered, http.StateActive)
	g := entered.(*conn)
	g.awaitBody()
	return g
}
