package lighttpd

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestServeLargeBody(t *testing.T) {
	site := newSite(t, shortDir(t), 1)
	respond(t, site.Sockets[0], http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sum := sha256.New()
		n, err := io.Copy(sum, r.Body)
		fmt.Fprintf(w, "%d %x %v", n, sum.Sum(nil), err)
	}))
	d := serve(t, full(t, site))
	body := bytes.Repeat([]byte("0123456789abcdef"), 3<<20/16)
	want := fmt.Sprintf("%d %x <nil>", len(body), sha256.Sum256(body))
	if got := d.do(t, http.MethodPost, "/upload", bytes.NewReader(body)); got.body != want {
		t.Errorf("application read %q, want %q", got.body, want)
	}
}

// TestServeSpoolsRequests holds back half of a body. lighttpd has read the
// head, for it said 100 Continue, and answers another request meanwhile; the
// application must not have seen the first.
func TestServeSpoolsRequests(t *testing.T) {
	site := newSite(t, shortDir(t), 1)
	seen := make(chan string, 4)
	respond(t, site.Sockets[0], http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen <- r.URL.RequestURI()
		echo(w, r)
	}))
	d := serve(t, full(t, site))
	conn, err := net.Dial("tcp", d.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	reader := bufio.NewReader(conn)
	fmt.Fprint(conn, "POST /slow HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 8\r\nConnection: close\r\n\r\n")
	if line, err := reader.ReadString('\n'); err != nil || !strings.Contains(line, " 100 ") {
		t.Fatalf("no 100 Continue: %q, %v", line, err)
	}
	fmt.Fprint(conn, "half")
	for range 3 {
		d.get(t, "/quick")
		if got := receive(t, seen); got != "/quick" {
			t.Errorf("application was asked for %s before the body was complete", got)
		}
	}
	fmt.Fprint(conn, "half")
	if got := receive(t, seen); got != "/slow" {
		t.Errorf("application was asked for %s, want /slow", got)
	}
	rest, err := io.ReadAll(reader)
	if err != nil || !strings.Contains(string(rest), "POST /slow 8") {
		t.Errorf("answer %q, %v", rest, err)
	}
}

// TestServeStreams reads each chunk before the application may write the
// next: a server that held the response back would never come to an end.
func TestServeStreams(t *testing.T) {
	site := newSite(t, shortDir(t), 1)
	proceed := make(chan struct{})
	respond(t, site.Sockets[0], http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for i := range 5 {
			fmt.Fprintf(w, "chunk %d\n", i)
			w.(http.Flusher).Flush()
			select {
			case <-proceed:
			case <-time.After(patience):
				return
			}
		}
	}))
	d := serve(t, full(t, site))
	client := http.Client{Timeout: patience}
	response, err := client.Get(d.url + "/stream")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	lines := bufio.NewReader(response.Body)
	for i := range 5 {
		line, err := lines.ReadString('\n')
		if err != nil || line != fmt.Sprintf("chunk %d\n", i) {
			t.Fatalf("chunk %d: %q, %v", i, line, err)
		}
		select {
		case proceed <- struct{}{}:
		case <-time.After(patience):
			t.Fatal("the application does not wait for the next chunk to be asked for")
		}
	}
	if rest, err := io.ReadAll(lines); err != nil || len(rest) != 0 {
		t.Errorf("after the last chunk: %q, %v", rest, err)
	}
}

// TestServeBuffered: no part of a response leaves before its end, which is what
// lets mod_deflate compress it, but for events.
func TestServeBuffered(t *testing.T) {
	site := newSite(t, shortDir(t), 1)
	site.Buffered = true
	proceed := make(chan struct{})
	respond(t, site.Sockets[0], http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "first\n")
		w.(http.Flusher).Flush()
		if r.Header.Get("Accept") != "" {
			select {
			case <-proceed:
			case <-time.After(patience):
			}
		}
		fmt.Fprint(w, "last\n")
	}))
	d := serve(t, full(t, site))
	if got := d.get(t, "/page"); got.header.Get("Content-Length") != "11" || got.body != "first\nlast\n" {
		t.Errorf("a page: Content-Length %q, %q", got.header.Get("Content-Length"), got.body)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, d.url+"/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Accept", "text/event-stream")
	response, err := (&http.Client{Timeout: patience}).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	lines := bufio.NewReader(response.Body)
	if line, err := lines.ReadString('\n'); err != nil || line != "first\n" {
		t.Fatalf("the first event: %q, %v", line, err)
	}
	proceed <- struct{}{}
	if rest, err := io.ReadAll(lines); err != nil || string(rest) != "last\n" {
		t.Errorf("the last event: %q, %v", rest, err)
	}
}

// TestServePassesOverMissingSocket has a socket that does not exist and one
// that refuses; every request, POST too, is answered by the third.
func TestServePassesOverMissingSocket(t *testing.T) {
	site := newSite(t, shortDir(t), 3)
	listener, err := net.Listen("unix", site.Sockets[1])
	if err != nil {
		t.Fatal(err)
	}
	listener.(*net.UnixListener).SetUnlinkOnClose(false)
	listener.Close()
	respond(t, site.Sockets[2], http.HandlerFunc(echo))
	d := serve(t, full(t, site))
	for range 10 {
		d.expect(t, []request{{"GET", "/orders", true, 200, ""}})
		if got := d.do(t, http.MethodPost, "/orders", strings.NewReader("body")); got.body != "POST /orders 4" {
			t.Errorf("POST: %d %q", got.status, got.body)
		}
	}
}

// TestServeAsksIdleWorker keeps the first worker busy: the others answer.
func TestServeAsksIdleWorker(t *testing.T) {
	site := newSite(t, shortDir(t), 2)
	busy, release := make(chan struct{}), make(chan struct{})
	respond(t, site.Sockets[0], http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		busy <- struct{}{}
		<-release
		fmt.Fprint(w, "w0")
	}))
	respond(t, site.Sockets[1], http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "w1")
	}))
	d := serve(t, full(t, site))
	first := make(chan string)
	go func() {
		response, err := http.Get(d.url + "/first")
		if err != nil {
			first <- err.Error()
			return
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		first <- fmt.Sprint(string(body), err)
	}()
	receive(t, busy)
	for i := range 10 {
		// Another path each time, for balancing by hash goes by it.
		if got := d.get(t, fmt.Sprintf("/next/%d", i)).body; got != "w1" {
			t.Errorf("answered by %q while w0 was busy", got)
		}
	}
	close(release)
	if got := receive(t, first); got != "w0<nil>" {
		t.Errorf("first request: %q", got)
	}
}
