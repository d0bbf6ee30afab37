package fcgi

import (
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// A connection in the middle of a request's body makes room once nothing has come for a while, whichever way
// the body goes.
func TestDoorClosesStalledBodies(t *testing.T) {
	for name, head := range map[string]string{
		"small":   "Content-Length: 10\r\n\r\nabc",
		"empty":   "Content-Length: 10\r\n\r\n",
		"spooled": "Content-Length: 20000\r\n\r\nabc",
		"passed":  "Content-Length: 40000\r\n\r\nabc",
		"chunked": "Transfer-Encoding: chunked\r\n\r\n9\r\nabc",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := NewDoor(listenTCP(t), 1, quiet)
			d.freshGrace, d.begunGrace, d.bodyGrace = time.Hour, time.Hour, 0
			front := NewFront(FrontConfig{Sockets: []string{responder(t, after(whole("A: b", "ok")))}, MaxSpool: 30000})
			t.Cleanup(front.Close)
			url := serveAt(t, d, front)
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
func TestDoorKeepsCompleteRequests(t *testing.T) {
	started, finish := make(chan struct{}, 2), make(chan struct{})
	log := &logBuffer{}
	d := NewDoor(listenTCP(t), 1, log.logger())
	d.freshGrace, d.begunGrace, d.bodyGrace = time.Hour, time.Hour, 0
	front := NewFront(FrontConfig{Sockets: []string{responder(t, func(conn net.Conn) {
		if _, err := readRequest(conn); err != nil {
			return
		}
		started <- struct{}{}
		<-finish
		_, _ = conn.Write(whole("A: b", "ok"))
	})}})
	t.Cleanup(front.Close)
	url := serveAt(t, d, front)
	for _, body := range []string{"Content-Length: 3\r\n\r\nabc", "Content-Length: 20000\r\n\r\n" + strings.Repeat("a", 20000),
		"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"} {
		asking := rawTo(t, url, "POST / HTTP/1.1\r\nHost: h\r\n"+body)
		waitFor(t, "the request", started)
		next := rawTo(t, url, simple)
		eventually(t, "the next connection to wait", func() bool { return d.waits() })
		if ok, again := d.room(); ok || again != 0 {
			t.Errorf("there is room: %v, or in %v", ok, again)
		}
		finish <- struct{}{}
		answerOn(t, asking)
		waitFor(t, "the next request", started)
		finish <- struct{}{}
		answerOn(t, next)
		next.Close()
	}
}

// waits tells whether somebody waits for room.
func (d *Door) waits() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.open > d.most
}

// The longest silent goes first, and each byte begins its time anew.
func TestDoorStalledBodiesInOrder(t *testing.T) {
	d := NewDoor(nil, 2, quiet)
	d.bodyGrace = time.Hour
	first, second := inBody(t, d), inBody(t, d)
	first.since, second.since = first.since.Add(-3*time.Hour), second.since.Add(-2*time.Hour)
	if first.where != &d.body || d.body.Front().Value != first {
		t.Fatal("the first is not the next to go")
	}
	d.heard(first)
	d.open++ // one waits at the door
	if ok, _ := d.room(); !ok || first.gone || !second.gone {
		t.Errorf("room: %v, first gone: %v, second gone: %v", ok, first.gone, second.gone)
	}
	d.open++
	if ok, again := d.room(); ok || again <= 0 || again > time.Hour || first.gone {
		t.Errorf("room: %v, again in %v, first gone: %v", ok, again, first.gone)
	}
}

// Who waits for room learns of the first connection that may stall. A request whose connection gave way does not go on.
func TestDoorTellsOfBody(t *testing.T) {
	d := NewDoor(nil, 1, quiet)
	g := inBody(t, d)
	select {
	case <-d.changed:
	default:
		t.Error("nothing was told")
	}
	if !g.bodyCame() || g.where != nil {
		t.Error("it still waits for its body")
	}
	g.awaitBody()
	g.since = g.since.Add(-d.bodyGrace)
	d.open++
	if ok, _ := d.room(); !ok {
		t.Error("there is no room")
	}
	if g.bodyCame() {
		t.Error("a request goes on whose connection gave way")
	}
}

// inBody is a connection that has entered and waits for a request's body.
func inBody(t *testing.T, d *Door) *guest {
	conn, client := net.Pipe()
	t.Cleanup(func() { client.Close() })
	entered, err := d.enter(conn)
	if err != nil {
		t.Fatal(err)
	}
	d.state(entered, http.StateActive)
	g := entered.(*guest)
	g.awaitBody()
	return g
}
