//go:build linux

package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"launcher/preforker/control"
)

// startFront starts an application behind the launcher's own HTTP front, at any free port.
func startFront(t *testing.T, root string, workers int, args ...string) browser {
	t.Helper()
	gates := t.TempDir()
	in := start(t, startOptions{root: root, env: []string{"BLOG_GATES=" + gates, "HELLO_GATES=" + gates},
		args: append([]string{strconv.Itoa(workers), "--http", "127.0.0.1:0"}, args...)})
	address := in.waitLine(`workers? (?:is|are) ready: (http://127\.0\.0\.1:\d+\S*)/$`)[1]
	base, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return browser{in: in, gates: gates, url: address, prefix: base.Path, static: true}
}

func TestFrontServesBlog(t *testing.T) {
	t.Parallel()
	browseBlog(t, startFront(t, copyApp(t, "blog"), 2))
}

func TestFrontServesBlogBelowPrefix(t *testing.T) {
	t.Parallel()
	b := startFront(t, copyApp(t, "blog"), 2, "--url-prefix", "/shop")
	host, found := strings.CutSuffix(b.url, "/shop")
	if !found {
		t.Fatalf("the address has no prefix: %s", b.url)
	}
	b.url, b.prefix = host, ""
	b.browseShop(t)
}

func TestFrontServesHello(t *testing.T) {
	t.Parallel()
	browseHello(t, startFront(t, copyApp(t, "hello"), 2))
}

// later sends a request in the background.
func later(method, url string, body io.Reader, header ...string) <-chan page {
	return laterBy(client(), method, url, body, header...)
}

func laterBy(who *http.Client, method, url string, body io.Reader, header ...string) <-chan page {
	got := make(chan page, 1)
	go func() { got <- fetch(who, method, url, body, header...) }()
	return got
}

// TestFrontWithAllWorkersBusy: files need no worker, and a request waits for one.
func TestFrontWithAllWorkersBusy(t *testing.T) {
	t.Parallel()
	b := startFront(t, copyApp(t, "blog"), 2)
	first := b.openStream(t, "/stream?chunks=2&gate=first")
	second := b.openStream(t, "/stream?chunks=2&gate=second")
	b.staticFiles(t)
	waiting := later(http.MethodGet, b.url+"/pid", nil)
	b.staticFiles(t)
	select {
	case got := <-waiting:
		t.Errorf("a busy worker answered: %q", got.body)
	default:
	}
	b.open(t, "second", 1)
	readChunk(t, second, 1)
	readEnd(t, second)
	(<-waiting).expect(t, 200)
	b.open(t, "first", 1)
	readChunk(t, first, 1)
	readEnd(t, first)
}

// TestFrontAfterARestart: a worker of the new release serves while the one before has not finished its last request. A request that
// is younger than a second may be in the hands of either, so that the restart is later.
func TestFrontAfterARestart(t *testing.T) {
	t.Parallel()
	b := startFront(t, copyApp(t, "hello"), 1, "--queue-timeout", "100ms", "--drain-timeout", "10m")
	stream := b.openStream(t, "/stream?chunks=2&gate=last")
	b.in.statusWhen("the request to be older than the front asks for", func(s control.Status) bool {
		request := s.Slots[0].Workers[0].Request
		return request != nil && request.Seconds > 1
	})
	b.in.restart().restarted(t, `generation \d+ serves`)
	b.in.waitFor("a worker of a new release to serve", func() bool {
		got := fetch(client(), http.MethodGet, b.url+"/pid", nil)
		return got.err == nil && got.StatusCode == 200
	})
	b.open(t, "last", 1)
	readChunk(t, stream, 1)
	readEnd(t, stream)
}

// TestFrontUploadOfUnknownLength: a worker hears of it when all of it is there.
func TestFrontUploadOfUnknownLength(t *testing.T) {
	t.Parallel()
	b := startFront(t, copyApp(t, "blog"), 1)
	data := randomBytes(3 << 20)
	reader, writer := io.Pipe()
	answered := later(http.MethodPost, b.url+"/echo", reader, "Content-Type", "application/octet-stream")
	if _, err := writer.Write(data[:1<<20]); err != nil {
		t.Fatal(err)
	}
	b.get(t, "/pid").expect(t, 200) // the only worker is free
	if _, err := writer.Write(data[1<<20:]); err != nil {
		t.Fatal(err)
	}
	_ = writer.Close() // never fails
	(<-answered).expect(t, 200).is(t, digested(data))
}

// TestFrontClientGoesAway: the worker gives up the response long before its end, and the next request gets it.
func TestFrontClientGoesAway(t *testing.T) {
	t.Parallel()
	for _, app := range []string{"blog", "hello"} {
		t.Run(app, func(t *testing.T) {
			t.Parallel()
			b := startFront(t, copyApp(t, app), 1)
			before := b.workers()
			const chunks = 1000
			stream := b.openStream(t, fmt.Sprintf("/stream?chunks=%d&gate=gone", chunks))
			_ = stream.Close()
			next := later(http.MethodGet, b.url+"/pid", nil)
			sent := 0
			b.in.waitFor("the next answer", func() bool {
				if len(next) > 0 || sent == chunks-1 {
					return true
				}
				sent++
				b.open(t, "gone", sent)
				return false
			})
			if sent == chunks-1 {
				t.Error("the worker has sent all of it")
			}
			(<-next).expect(t, 200)
			b.stillServedBy(t, before)
		})
	}
}

// TestFrontKeepsConnections: many requests of all kinds go over one connection.
func TestFrontKeepsConnections(t *testing.T) {
	t.Parallel()
	b := startFront(t, copyApp(t, "blog"), 2)
	conn, err := net.Dial("tcp", strings.TrimPrefix(b.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	session := &http.Client{Transport: &oneConnection{conn, bufio.NewReader(conn)}, CheckRedirect: client().CheckRedirect}
	for round := range 50 {
		b.askWith(t, session, http.MethodGet, "/robots.txt", nil).expect(t, 200)
		b.askWith(t, session, http.MethodGet, fmt.Sprintf("/env?round=%d", round), nil).expect(t, 200).
			is(t, map[string]any{"QUERY_STRING": fmt.Sprintf("round=%d", round)})
		data := randomBytes(100 * round)
		b.askWith(t, session, http.MethodPost, "/echo", bytes.NewReader(data), "Content-Type", "application/octet-stream").
			expect(t, 200).is(t, digested(data))
		b.askWith(t, session, http.MethodHead, "/posts/1", nil).expect(t, 200)
		b.askWith(t, session, http.MethodGet, "/stream?chunks=2", nil).expect(t, 200)
		b.askWith(t, session, http.MethodGet, "/nowhere", nil).expect(t, 404)
	}
}

// oneConnection sends one request after the other over one connection. A http.Transport makes another one where its own
// goroutine that writes is late.
type oneConnection struct {
	conn  net.Conn
	input *bufio.Reader
}

func (c *oneConnection) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Write(c.conn); err != nil {
		return nil, err
	}
	return http.ReadResponse(c.input, r)
}

// TestFrontBeforeTheApplicationHasLoaded: a request that comes early is answered all the same.
func TestFrontBeforeTheApplicationHasLoaded(t *testing.T) {
	t.Parallel()
	root := slowApp(t)
	address := fmt.Sprintf("127.0.0.1:%d", freePort(t))
	in := start(t, startOptions{root: root, args: []string{"2", "--http", address}})
	in.waitLine("preloader is loading the application")
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", address); err != nil {
		t.Fatal(err)
	}
	remove(t, filepath.Join(root, "hold"))
	_ = conn.SetReadDeadline(time.Now().Add(patience))
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	if body, err := io.ReadAll(response.Body); err != nil || response.StatusCode != 200 || string(body) != "hello" {
		t.Errorf("got %d %q, %v", response.StatusCode, body, err)
	}
	in.serving()
}

func TestFrontPortInUse(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	root := copyApp(t, "hello")
	got := finish(t, root, "2", "--http", l.Addr().String())
	if got.status != exitFailed || got.stdout != "" {
		t.Errorf("with a port in use: %+v", got)
	}
	contains(t, "standard error", got.stderr, l.Addr().String(), fmt.Sprintf("the process %d (", os.Getpid()), "address already in use",
		fmt.Sprintf("\nTry: stop it (ps %d), or choose another address with --http\n", os.Getpid()))
	if exists(filepath.Join(root, "log")) {
		t.Error("something was begun all the same")
	}
}

// TestFrontStops: the request in hand gets its full answer, and nobody new is let in.
func TestFrontStops(t *testing.T) {
	t.Parallel()
	b := startFront(t, copyApp(t, "blog"), 2)
	stream := b.openStream(t, "/stream?chunks=3&gate=stop")
	b.in.signal(syscall.SIGTERM)
	b.in.waitFor("the front to refuse", func() bool {
		conn, err := net.Dial("tcp", strings.TrimPrefix(b.url, "http://"))
		if err != nil {
			return true
		}
		_ = conn.Close()
		return false
	})
	b.open(t, "stop", 1)
	readChunk(t, stream, 1)
	b.open(t, "stop", 2)
	readChunk(t, stream, 2)
	readEnd(t, stream)
	if status := b.in.wait(); status != exitOK {
		t.Errorf("the launcher ended with %d", status)
	}
}
