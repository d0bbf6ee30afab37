package dashboard

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"launcher/preforker/control"
)

// changing is a dashboard of a launcher that serves one more request with each look at it, and what tells of the end of a request for it.
func changing(t *testing.T, slots int) (*Dashboard, *httptest.Server, <-chan struct{}) {
	t.Helper()
	began := time.Now()
	var looks atomic.Int64
	d := New(Launcher{Status: func(context.Context) (control.Status, error) {
		n := looks.Add(1)
		s := example(slots, began)
		s.Slots[0].Served = 1000 + uint64(n)
		return s, nil
	}})
	d.fresh, d.period = 0, time.Millisecond
	ended, handler := make(chan struct{}, 1), handlerOf(d, Access{Open: true})
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		handler.ServeHTTP(w, r)
		ended <- struct{}{}
	}))
	server.Config.ConnContext = func(ctx context.Context, conn net.Conn) context.Context {
		_ = conn.(*net.TCPConn).SetWriteBuffer(16 << 10) // who does not read is soon noticed
		return ctx
	}
	server.Start()
	t.Cleanup(func() { d.Close(); server.Close() })
	return d, server, ended
}

// event reads one of a stream: its name, and its text.
func event(in *bufio.Reader) (name, text string, err error) {
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return name, text, err
		}
		key, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		switch key {
		case "":
			return name, text, nil
		case "event":
			name = value
		case "data":
			text += value + "\n"
		}
	}
}

// TestStreamSendsWhatHasChanged: all parts of the page first, and then those that differ.
func TestStreamSendsWhatHasChanged(t *testing.T) {
	d, server, _ := changing(t, 2)
	answer, err := http.Get(server.URL + streamPath)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if kind := answer.Header.Get("Content-Type"); kind != "text/event-stream" {
		t.Errorf("it is %q", kind)
	}
	in := bufio.NewReader(answer.Body)
	first := map[string]string{}
	for range parts {
		name, text, err := event(in)
		if err != nil {
			t.Fatal(err)
		}
		first[name] = text
	}
	for _, part := range parts {
		if _, told := first[part]; !told {
			t.Errorf("there is no %s in %v", part, first)
		}
	}
	for more := 3; more > 0; {
		name, text, err := event(in)
		if err != nil || text == first[name] || name == "slots" && !strings.Contains(text, "<td>10") {
			t.Fatalf("then %s: %.200q, %v", name, text, err)
		}
		if name == "slots" {
			more--
		}
		first[name] = text
	}
	d.Close()
	for err == nil {
		_, _, err = event(in)
	}
	if err != io.EOF {
		t.Errorf("it ends with %v", err)
	}
}

// TestWhoDoesNotReadIsDropped when the kernel keeps no more of what is written.
func TestWhoDoesNotReadIsDropped(t *testing.T) {
	d, server, ended := changing(t, 40)
	d.patience = 100 * time.Millisecond
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.(*net.TCPConn).SetReadBuffer(16 << 10)
	_, _ = fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", streamPath)
	if _, err := conn.Read(make([]byte, 1)); err != nil { // it has begun
		t.Fatal(err)
	}
	<-ended
}
