package front

import (
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"launcher/fcgi"
	"launcher/fcgi/fcgitest"
)

// told are the counts that are not 0.
func told(counts Counts) (words []string) {
	for _, one := range counts.Refused {
		if one.Count > 0 {
			words = append(words, fmt.Sprintf("%d %s %d", one.Code, one.Reason, one.Count))
		}
	}
	for _, one := range counts.Unanswered {
		if one.Count > 0 {
			words = append(words, fmt.Sprintf("%s %d", one.Reason, one.Count))
		}
	}
	if counts.Handshakes > 0 {
		words = append(words, fmt.Sprintf("handshakes %d", counts.Handshakes))
	}
	return words
}

// expectCounts waits until just these are told.
func expectCounts(t *testing.T, l *Listener, want ...string) {
	t.Helper()
	deadline := time.Now().Add(fcgitest.Patience)
	for {
		got := told(l.Counters().Counts())
		if slices.Equal(got, want) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("counted %q, want %q", got, want)
		}
		time.Sleep(time.Millisecond)
	}
}

// serveCounted serves a front whose counters are those of its listener.
func serveCounted(t *testing.T, l *Listener, config Config) (front *Handler, url string) {
	t.Helper()
	config.Counters = l.Counters()
	front = New(config)
	t.Cleanup(front.Close)
	return front, serveAt(t, l, front)
}

// One of each request that no worker answers: it is counted once, by the code that its client has seen.
func TestRefusalsAreCounted(t *testing.T) {
	const end = "Connection: close\r\n\r\n"
	get := func(path string, headers ...string) string {
		return "GET " + path + " HTTP/1.1\r\nHost: h\r\n" + strings.Join(append(headers, end), "\r\n")
	}
	post := "POST / HTTP/1.1\r\nHost: h\r\n"
	public := publicFolder(t)
	if err := os.Symlink("/etc/passwd", filepath.Join(public, "outside")); err != nil {
		t.Fatal(err)
	}
	_, allowed := sendfileTree(t)
	dies := fcgitest.Responder(t, func(conn net.Conn) { _, _ = fcgitest.ReadRequest(conn) })
	hangs := fcgitest.Responder(t, fcgitest.Silent)
	sends := sender(t)
	none := filepath.Join(fcgitest.TempDir(t), "none")
	long := strings.Repeat("x", maxHeaderBytes+8<<10)
	for _, test := range []struct {
		name, input string
		config      Config
		want        string
	}{
		{"no HTTP", "bad\r\n\r\n", Config{}, "400 malformed 1"},
		{"no host", "GET / HTTP/1.1\r\n\r\n", Config{}, "400 malformed 1"},
		{"a bad host", "GET / HTTP/1.1\r\nHost: a:b:c\r\n" + end, Config{}, "400 malformed 1"},
		{"a control character", get("/%00"), Config{}, "400 malformed 1"},
		{"behind a request", "GET /hello.txt HTTP/1.1\r\nHost: h\r\n\r\nbad\r\n\r\n", Config{Public: public}, "400 malformed 1"},
		{"half a body", post + "Content-Length: 10\r\n" + end + "half", Config{StallLimit: time.Millisecond}, "400 body timeout 1"},
		{"half a body of no length", post + "Transfer-Encoding: chunked\r\n" + end + "5\r\nhalf", Config{StallLimit: time.Millisecond}, "400 body timeout 1"},
		{"a body that is none", post + "Transfer-Encoding: chunked\r\n" + end + "half\r\n", Config{}, "400 malformed 1"},
		{"a link", get("/outside"), Config{Public: public}, "403 file not readable 1"},
		{"another path", get("/blog"), Config{Prefix: "/shop"}, "404 outside of the prefix 1"},
		{"X-Sendfile", get("/", "X-Head: X-Sendfile: "+filepath.Dir(allowed[1])+"/storage/none"), Config{Sockets: []string{sends}, SendfileDirs: allowed}, "404 no such file to send 1"},
		{"a large body", post + "Content-Length: 10\r\n" + end, Config{MaxBody: 9}, "413 body too large 1"},
		{"an expectation", post + "Expect: much\r\n" + end, Config{}, "417 unknown expectation 1"},
		{"a long head", get("/", "A: "+long), Config{}, "431 head too large 1"},
		{"a long environment", get("/", "A: "+long[:1000]), Config{Sockets: []string{hangs}, MaxParams: 900}, "431 head too large 1"},
		{"X-Sendfile elsewhere", get("/", "X-Head: X-Sendfile: /etc/passwd"), Config{Sockets: []string{sends}, SendfileDirs: allowed}, "500 file not to be sent 1"},
		{"no spool", post + "Transfer-Encoding: chunked\r\n" + end + "1\r\nx\r\n0\r\n\r\n", Config{SpoolDir: none}, "500 body not stored 1"},
		{"CONNECT", "CONNECT h:1 HTTP/1.1\r\nHost: h:1\r\n" + end, Config{}, "501 not supported 1"},
		{"a web socket", get("/", "Upgrade: websocket"), Config{}, "501 not supported 1"},
		{"a coding", post + "Transfer-Encoding: gzip\r\n" + end, Config{}, "501 not supported 1"},
		{"a death", post + end, Config{Sockets: []string{dies}}, "502 no answer of a worker 1"},
		{"no worker", get("/"), Config{WaitLimit: time.Millisecond}, "503 no worker was free 1"},
		{"a limit", get("/"), Config{Sockets: []string{hangs}, HeadTimeout: time.Millisecond}, "504 request timeout 1"},
		{"a version", "GET / HTTP/3.0\r\nHost: h\r\n\r\n", Config{}, "505 unknown version 1"},
		{"for the server", "OPTIONS * HTTP/1.1\r\nHost: h\r\n" + end, Config{}, ""},
		{"a file", get("/hello.txt"), Config{Public: public}, ""},
		{"a file that is not there", get("/none", "X-Head: A: b"), Config{Public: public, Sockets: []string{sends}}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			l := NewListener(listenTCP(t), 10, quiet)
			_, url := serveCounted(t, l, test.config)
			conn := rawTo(t, url, test.input)
			answer, _ := io.ReadAll(conn)
			code := "200"
			var want []string
			if test.want != "" {
				code, want = test.want[:3], []string{test.want}
			}
			if !strings.Contains(string(answer), "HTTP/1.1 "+code) {
				t.Errorf("got %.200q", answer)
			}
			fcgitest.Eventually(t, "the end of the connection", func() bool { open, _ := l.Connections(); return open == 0 })
			expectCounts(t, l, want...)
		})
	}
}

// What is too much at once, and what comes after the last worker has left.
func TestRefusalsForWantOfRoomAreCounted(t *testing.T) {
	started, finish := make(chan struct{}), make(chan struct{})
	worker := fcgitest.Responder(t, func(conn net.Conn) {
		if _, err := fcgitest.ReadRequest(conn); err == nil {
			started <- struct{}{}
			<-finish
			_, _ = conn.Write(fcgitest.Whole("A: b", ""))
		}
	})
	l := NewListener(listenTCP(t), 10, quiet)
	front, url := serveCounted(t, l, Config{Sockets: []string{worker}, MaxRequests: 2, MaxBody: 1000, MaxSpools: 1500})
	upload := func() net.Conn {
		return rawTo(t, url, "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3E8\r\n"+strings.Repeat("x", 1000)+"\r\n0\r\n\r\n")
	}
	first := upload()
	fcgitest.Await(t, "the first upload", started)
	_, _ = io.ReadAll(upload())
	expectCounts(t, l, "503 too many uploads 1")
	waiting := rawTo(t, url, simple)
	fcgitest.Eventually(t, "a request that waits", func() bool { _, n := front.Load(); return n == 1 })
	_, _ = io.ReadAll(rawTo(t, url, "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"))
	expectCounts(t, l, "503 too many requests 1", "503 too many uploads 1")
	front.Close()
	_, _ = waiting.Read(make([]byte, 1))
	expectCounts(t, l, "503 too many requests 1", "503 too many uploads 1", "503 stopping 1")
	close(finish)
	_, _ = first.Read(make([]byte, 1))
	if got := l.Counters().Counts(); got.Accepted != 4 || got.Evicted != 0 {
		t.Errorf("%d connections, %d made room", got.Accepted, got.Evicted)
	}
}

// A client that leaves while its request waits, or does not take its response, is none that was refused.
func TestClientsThatLeaveAreCounted(t *testing.T) {
	l := NewListener(listenTCP(t), 10, quiet)
	front, url := serveCounted(t, l, Config{})
	waiting := rawTo(t, url, simple)
	fcgitest.Eventually(t, "a request that waits", func() bool { _, n := front.Load(); return n == 1 })
	_ = waiting.Close()
	expectCounts(t, l, "client left 1")
	_ = rawTo(t, url, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nhalf").Close()
	expectCounts(t, l, "client left 2")

	goes := make(chan struct{})
	front.SetSockets([]string{fcgitest.Responder(t, func(conn net.Conn) {
		if _, err := fcgitest.ReadRequest(conn); err != nil {
			return
		}
		_, _ = conn.Write(fcgitest.Stdout("A: b\r\n\r\nbegins"))
		<-goes
		for range 100 {
			if _, err := conn.Write(fcgitest.Stdout(strings.Repeat("x", fcgi.MaxContent/2))); err != nil {
				return
			}
		}
	})})
	reading := rawTo(t, url, simple)
	_, _ = reading.Read(make([]byte, 1))
	_ = reading.Close()
	close(goes)
	expectCounts(t, l, "client left 3")
}
