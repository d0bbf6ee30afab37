package control

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"launcher/preforker/internal/testdir"
)

// stream is a client of one.
type stream struct {
	net.Conn
	status int
	body   *bufio.Reader
}

// openStream asks for a stream, and reads the head of the answer.
func openStream(t *testing.T, conn net.Conn) stream {
	t.Helper()
	_ = conn.SetDeadline(time.Now().Add(testdir.Patience))
	_, _ = io.WriteString(conn, "GET /stream HTTP/1.1\r\nHost: launcher\r\n\r\n")
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	return stream{conn, answer.StatusCode, bufio.NewReader(answer.Body)}
}

// TestStreams take no place of those who want a short answer, last longer than these may, and end with their client and with the server.
func TestStreams(t *testing.T) {
	t.Parallel()
	ended := make(chan error, maxStreams)
	c := startWith(t, testdir.Short(t), 500*time.Millisecond, append(testVerbs(), pages(ended)...)...)
	var all []stream
	for range maxStreams {
		one := openStream(t, c.dial(t))
		if first, _ := one.body.ReadString('\n'); one.status != http.StatusOK || first != "first\n" {
			t.Errorf("%d: %d %q", len(all), one.status, first)
		}
		all = append(all, one)
	}
	if text, err := io.ReadAll(c.dial(t)); len(text) > 0 || err != nil { // who says nothing is left when that time is over
		t.Errorf("%q, %v", text, err)
	}
	_ = all[0].Close()
	<-ended
	all = append(all[1:], openStream(t, c.dial(t)))
	if got := c.says(t, asksStatus, false); !strings.Contains(got, `"running"`) {
		t.Errorf("%q", got)
	}
	if got := c.says(t, "HEAD / HTTP/1.1\r\nHost: launcher\r\n\r\n", false); !strings.HasPrefix(got, "HTTP/1.1 200") || !strings.HasSuffix(got, "\r\n\r\n") {
		t.Errorf("%q", got)
	}
	c.stop()
	for range maxStreams {
		<-ended
	}
	for n, one := range all {
		if text, err := io.ReadAll(one.body); !strings.HasSuffix(string(text), "last\n") || err != nil {
			t.Errorf("%d ends with %q, %v", n, text, err)
		}
	}
}

// TestOldestStreamGivesWay to each that comes, also where nobody reads any of them, and no other does.
func TestOldestStreamGivesWay(t *testing.T) {
	t.Parallel()
	left := make(chan string, 2*maxStreams)
	address := servedPatiently(t, Stream(http.MethodGet, "/stream", admitted, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		control, text := http.NewResponseController(w), make([]byte, 64<<10)
		for r.Context().Err() == nil && control.Flush() == nil { // and is held by a write when the kernel keeps no more
			_, _ = w.Write(text)
		}
		left <- r.RemoteAddr
	})))
	var all []stream
	for range 2 * maxStreams {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		one := openStream(t, conn)
		if one.status != http.StatusOK {
			t.Errorf("%d: %d", len(all), one.status)
		}
		all = append(all, one)
	}
	for n := range maxStreams {
		if got, want := <-left, all[n].LocalAddr().String(); got != want {
			t.Errorf("%d: %s has left, not %s", n, got, want)
		}
	}
	if len(left) > 0 {
		t.Errorf("%d others have left", len(left))
	}
}

// TestWhoIsRefusedEndsNoStream, though all places are taken.
func TestWhoIsRefusedEndsNoStream(t *testing.T) {
	t.Parallel()
	c := startWith(t, testdir.Short(t), testdir.Patience, pages(make(chan error, maxStreams))...)
	var all []stream
	for range maxStreams {
		all = append(all, openStream(t, c.dial(t)))
	}
	for range maxStreams {
		if status, _, _ := c.request(t, http.MethodGet, "/stream?refused", ""); status != http.StatusUnauthorized {
			t.Errorf("%d", status)
		}
	}
	c.stop()
	for n, one := range all {
		if text, err := io.ReadAll(one.body); !strings.HasSuffix(string(text), "last\n") || err != nil {
			t.Errorf("%d ends with %q, %v", n, text, err)
		}
	}
}

// TestStreamWithMoreToSayGivesWay: net/http looks no more whether a client is there that has sent a byte after its head.
func TestStreamWithMoreToSayGivesWay(t *testing.T) {
	t.Parallel()
	ended := make(chan error, maxStreams+1)
	c := startWith(t, testdir.Short(t), 5*time.Second, pages(ended)...)
	first := openStream(t, c.dial(t))
	_, _ = first.Write([]byte("x"))
	for n := range maxStreams {
		if one := openStream(t, c.dial(t)); one.status != http.StatusOK {
			t.Errorf("%d: %d", n, one.status)
		}
	}
	<-ended
}

// TestStreamsLeavePlaces to those who follow something else at the control socket, who do not give way.
func TestStreamsLeavePlaces(t *testing.T) {
	t.Parallel()
	c := startWith(t, testdir.Short(t), testdir.Patience, append(testVerbs(), pages(make(chan error, 3*maxStreams))...)...)
	ask := func() *http.Response {
		conn := c.dial(t)
		_, _ = io.WriteString(conn, "POST /count HTTP/1.1\r\nHost: launcher\r\nContent-Length: 12\r\n\r\n{\"times\":-1}")
		answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		return answer
	}
	for range 2 * maxStreams {
		openStream(t, c.dial(t))
	}
	for n := range maxFollowers - maxStreams {
		if answer := ask(); answer.StatusCode != http.StatusOK {
			t.Errorf("%d: %d", n, answer.StatusCode)
		}
	}
	if answer := ask(); answer.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("one too many: %d", answer.StatusCode)
	}
	if one := openStream(t, c.dial(t)); one.status != http.StatusOK {
		t.Errorf("a stream: %d", one.status)
	}
}
