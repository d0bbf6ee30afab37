package front

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	stdfcgi "net/http/fcgi"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"launcher/fcgi"
	"launcher/fcgi/fcgitest"
)

// serveFront serves a front on a free port.
func serveFront(t *testing.T, config Config) (*Handler, *httptest.Server) {
	t.Helper()
	front := New(config)
	t.Cleanup(front.Close)
	server := httptest.NewUnstartedServer(front)
	server.Config.ErrorLog = nil
	server.Start()
	t.Cleanup(server.Close)
	return front, server
}

// ask does a request with a client that reuses no connection and follows no
// redirect.
func ask(t *testing.T, req *http.Request) (*http.Response, string) {
	t.Helper()
	resp, body, err := tryAsk(t, req)
	if err != nil {
		t.Fatal(err)
	}
	return resp, body
}

func tryAsk(t *testing.T, req *http.Request) (*http.Response, string, error) {
	t.Helper()
	transport := &http.Transport{DisableKeepAlives: true, DisableCompression: true, ExpectContinueTimeout: fcgitest.Patience}
	resp, err := transport.RoundTrip(req.WithContext(fcgitest.Context(t)))
	if err != nil {
		return nil, "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return resp, string(body), err
}

func newRequest(t *testing.T, method, url string, body io.Reader) *http.Request {
	t.Helper()
	req, err := http.NewRequest(method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	return req
}

// standard runs the responder of the standard library.
func standard(t *testing.T, handler http.HandlerFunc) string {
	t.Helper()
	listener := fcgitest.Listen(t, filepath.Join(fcgitest.TempDir(t), "s"))
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = stdfcgi.Serve(listener, handler) // ends with the listener
	}()
	t.Cleanup(func() {
		listener.Close()
		<-served
	})
	return listener.Addr().String()
}

func TestHandlerWithStandardResponder(t *testing.T) {
	path := standard(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/204":
			w.WriteHeader(http.StatusNoContent)
		case "/304":
			w.WriteHeader(http.StatusNotModified)
		default:
			w.Header().Set("X-Seen", r.Method+" "+r.Host+" "+r.URL.RequestURI())
			w.Header().Set("Connection", "X-Hop")
			w.Header().Set("X-Hop", "1")
			w.Header().Set("Keep-Alive", "1")
			_, _ = io.Copy(w, r.Body)
		}
	})
	_, server := serveFront(t, Config{Sockets: []string{path}})
	large := strings.Repeat("0123456789", 100000)
	// A reader of an unknown type has an unknown length.
	chunked := func(s string) io.Reader { return io.MultiReader(strings.NewReader(s)) }
	tests := []struct {
		name, method, path string
		body               io.Reader
		expect             bool
		status             int
		want               string
	}{
		{name: "GET", method: "GET", path: "/a%20b?c=d", status: 200},
		{name: "HEAD", method: "HEAD", path: "/", status: 200},
		{name: "POST", method: "POST", path: "/", body: strings.NewReader("hello"), status: 200, want: "hello"},
		{name: "large POST", method: "POST", path: "/", body: strings.NewReader(large), status: 200, want: large},
		{name: "POST with Expect", method: "POST", path: "/", body: strings.NewReader(large), expect: true, status: 200, want: large},
		{name: "chunked PUT", method: "PUT", path: "/", body: chunked(large), status: 200, want: large},
		{name: "chunked with Expect", method: "PUT", path: "/", body: chunked("x"), expect: true, status: 200, want: "x"},
		{name: "chunked and empty", method: "POST", path: "/", body: chunked(""), status: 200},
		{name: "204", method: "GET", path: "/204", status: 204},
		{name: "304", method: "GET", path: "/304", status: 304},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			req := newRequest(t, test.method, server.URL+test.path, test.body)
			if test.expect {
				req.Header.Set("Expect", "100-continue")
			}
			resp, body := ask(t, req)
			if resp.StatusCode != test.status || body != test.want {
				t.Errorf("got %s, %d bytes", resp.Status, len(body))
			}
			if test.status != 200 {
				return
			}
			if got, want := resp.Header.Get("X-Seen"), test.method+" "+req.Host+" "+test.path; got != want {
				t.Errorf("application saw %q, want %q", got, want)
			}
			if resp.Header.Get("X-Hop") != "" || resp.Header.Get("Keep-Alive") != "" {
				t.Errorf("hop-by-hop headers passed: %v", resp.Header)
			}
		})
	}
}

func TestHandlerStreams(t *testing.T) {
	next := make(chan struct{})
	path := fcgitest.Responder(t, func(conn net.Conn) {
		if _, err := fcgitest.ReadRequest(conn); err != nil {
			return
		}
		for _, part := range []string{"X-A: b\r\n\r\n", "one", "two"} {
			_, _ = conn.Write(fcgitest.Stdout(part))
			<-next
		}
		_, _ = conn.Write(fcgitest.End())
	})
	_, server := serveFront(t, Config{Sockets: []string{path}})
	resp, err := http.DefaultTransport.RoundTrip(newRequest(t, "GET", server.URL, nil).WithContext(fcgitest.Context(t)))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, ok := resp.Header["Content-Type"]; ok {
		t.Error("a Content-Type was invented")
	}
	buf := make([]byte, 10)
	for _, want := range []string{"one", "two"} {
		fcgitest.Send(t, "the next chunk", next, struct{}{})
		if n, err := resp.Body.Read(buf); string(buf[:n]) != want || err != nil {
			t.Errorf("got %q, %v", buf[:n], err)
		}
	}
	fcgitest.Send(t, "the next chunk", next, struct{}{})
	if _, err := resp.Body.Read(buf); !errors.Is(err, io.EOF) {
		t.Errorf("got %v", err)
	}
}

func TestHandlerBadWorkers(t *testing.T) {
	tests := []struct {
		name   string
		output []byte
		status int // 0: the connection breaks
	}{
		{"dies at once", nil, 502},
		{"dies in head", fcgitest.Stdout("A: b\r\n"), 502},
		{"bad status", fcgitest.Whole("Status: 99", ""), 502},
		{"interim status", fcgitest.Whole("Status: 103 Early Hints\r\nLink: </a>", ""), 502},
		{"speaks http", []byte("HTTP/1.1 200 OK\r\n\r\n"), 502},
		{"overloaded", fcgi.AppendEndRequest(nil, 1, 0, fcgi.StatusOverloaded), 503},
		{"dies in body", fcgitest.Stdout("A: b\r\n\r\nhalf"), 0},
		{"dies before body", fcgitest.Stdout("A: b\r\n\r\n"), 0},
		{"body too short", fcgitest.Whole("Content-Length: 5", "half"), 0},
		{"body too long", fcgitest.Whole("Content-Length: 3", "half"), 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, server := serveFront(t, Config{Sockets: []string{fcgitest.Responder(t, fcgitest.After(test.output))}})
			resp, body, err := tryAsk(t, newRequest(t, "GET", server.URL, nil))
			switch {
			case test.status == 0 && err == nil && test.name != "body too long":
				t.Errorf("a broken response looks whole: %v, %q", resp.Status, body)
			case test.status != 0 && (err != nil || resp.StatusCode != test.status):
				t.Errorf("got %v, %v", resp, err)
			case test.status == 503 && resp.Header.Get("Retry-After") == "":
				t.Error("no Retry-After")
			}
		})
	}
}

func TestHandlerHeadTimeout(t *testing.T) {
	_, server := serveFront(t, Config{Sockets: []string{fcgitest.Responder(t, fcgitest.Silent)}, HeadTimeout: 20 * time.Millisecond})
	if resp, _ := ask(t, newRequest(t, "GET", server.URL, nil)); resp.StatusCode != http.StatusGatewayTimeout {
		t.Errorf("got %s", resp.Status)
	}
}

func TestHandlerRefusals(t *testing.T) {
	_, server := serveFront(t, Config{Sockets: []string{fcgitest.Responder(t, fcgitest.After(fcgitest.Whole("A: b", "ok")))}, MaxSpool: 1000, Prefix: "shop/"})
	upgrade := newRequest(t, "GET", server.URL+"/shop/cable", nil)
	upgrade.Header.Set("Connection", "Upgrade")
	upgrade.Header.Set("Upgrade", "websocket")
	fat := newRequest(t, "GET", server.URL+"/shop", nil)
	fat.Header.Set("X-Fat", strings.Repeat("x", 70000))
	badHost := newRequest(t, "GET", server.URL+"/shop", nil)
	badHost.Host = "a:b"
	h2c := newRequest(t, "GET", server.URL+"/shop", nil)
	h2c.Header.Set("Connection", "Upgrade, HTTP2-Settings")
	h2c.Header.Set("Upgrade", "h2c")
	tests := map[string]struct {
		req    *http.Request
		status int
	}{
		"websocket":        {upgrade, 501},
		"h2c is ignored":   {h2c, 200},
		"large headers":    {fat, 431},
		"bad host":         {badHost, 400},
		"outside":          {newRequest(t, "GET", server.URL+"/other", nil), 404},
		"beside":           {newRequest(t, "GET", server.URL+"/shopping", nil), 404},
		"prefix":           {newRequest(t, "GET", server.URL+"/shop", nil), 200},
		"below":            {newRequest(t, "GET", server.URL+"/shop/x", nil), 200},
		"line feed":        {newRequest(t, "GET", server.URL+"/shop/%0a", nil), 400},
		"NUL":              {newRequest(t, "GET", server.URL+"/shop/%00", nil), 400},
		"spool too large":  {newRequest(t, "POST", server.URL+"/shop", io.MultiReader(bytes.NewReader(make([]byte, 1001)))), 413},
		"spool just right": {newRequest(t, "POST", server.URL+"/shop", io.MultiReader(bytes.NewReader(make([]byte, 1000)))), 200},
	}
	for name, test := range tests {
		if resp, body := ask(t, test.req); resp.StatusCode != test.status {
			t.Errorf("%s: got %s: %s", name, resp.Status, body)
		}
	}
}

func TestHandlerSpoolLeavesNothing(t *testing.T) {
	dir := fcgitest.TempDir(t)
	seen := make(chan int, 1)
	path := fcgitest.Responder(t, func(conn net.Conn) {
		req, err := fcgitest.ReadRequest(conn)
		entries, dirErr := os.ReadDir(dir)
		if err != nil || dirErr != nil || len(entries) > 0 {
			t.Errorf("%v, %v, %v", err, dirErr, entries)
		}
		seen <- len(req.Body)
		_, _ = conn.Write(fcgitest.Whole("A: b", ""))
	})
	_, server := serveFront(t, Config{Sockets: []string{path}, SpoolDir: dir})
	ask(t, newRequest(t, "POST", server.URL, io.MultiReader(bytes.NewReader(make([]byte, 100000)))))
	if got := fcgitest.Await(t, "the request", seen); got != 100000 {
		t.Errorf("got %d bytes", got)
	}
}

// A socket that refuses must not cost a request, whatever its method.
func TestHandlerTriesAnotherSocket(t *testing.T) {
	log := &fcgitest.Log{}
	good := fcgitest.Responder(t, func(conn net.Conn) {
		if req, err := fcgitest.ReadRequest(conn); err == nil {
			_, _ = conn.Write(fcgitest.Whole("A: b", string(req.Body)))
		}
	})
	_, server := serveFront(t, Config{Sockets: []string{"/nowhere/1", "/nowhere/2", good}, Log: log.Logger()})
	for range 3 {
		if resp, body := ask(t, newRequest(t, "POST", server.URL, strings.NewReader("body"))); resp.StatusCode != 200 || body != "body" {
			t.Errorf("got %s, %q", resp.Status, body)
		}
	}
	if !log.Contains("socket refused and was set aside") {
		t.Error("the refusal was not logged")
	}
}

func TestHandlerWaitsForSocket(t *testing.T) {
	path := filepath.Join(fcgitest.TempDir(t), "s")
	front, server := serveFront(t, Config{Sockets: []string{path}, SetAside: time.Millisecond, WaitLimit: 30 * time.Millisecond})
	resp, _ := ask(t, newRequest(t, "GET", server.URL, nil))
	if resp.StatusCode != 503 || resp.Header.Get("Retry-After") == "" {
		t.Errorf("got %s %v", resp.Status, resp.Header)
	}
	front.config.WaitLimit = fcgitest.Patience
	got := make(chan int)
	go func() {
		resp, _, err := tryAsk(t, newRequest(t, "GET", server.URL, nil))
		if err != nil {
			t.Error(err)
		}
		got <- resp.StatusCode
	}()
	fcgitest.RespondOn(t, fcgitest.Listen(t, path), fcgitest.After(fcgitest.Whole("A: b", "")))
	if status := fcgitest.Await(t, "the request", got); status != 200 {
		t.Errorf("got %d", status)
	}
}

// A worker has one request at a time, whatever the number of clients.
func TestHandlerOneRequestPerSocket(t *testing.T) {
	var active, most, served atomic.Int32
	answer := func() func(net.Conn) {
		var own atomic.Int32
		return func(conn net.Conn) {
			if _, err := fcgitest.ReadRequest(conn); err != nil {
				return
			}
			if own.Add(1) > 1 {
				t.Error("two requests at once on a socket")
			}
			most.Store(max(most.Load(), active.Add(1)))
			active.Add(-1)
			own.Add(-1)
			served.Add(1)
			_, _ = conn.Write(fcgitest.Whole("A: b", "x"))
		}
	}
	front, server := serveFront(t, Config{Sockets: []string{fcgitest.Responder(t, answer()), fcgitest.Responder(t, answer())}})
	done := make(chan error)
	const clients = 40
	for range clients {
		go func() {
			_, _, err := tryAsk(t, newRequest(t, "GET", server.URL, nil))
			done <- err
		}()
	}
	for range clients {
		if err := fcgitest.Await(t, "the request", done); err != nil {
			t.Error(err)
		}
	}
	if served.Load() != clients {
		t.Errorf("served %d", served.Load())
	}
	server.Close()
	if busy, waiting := front.Load(); busy != 0 || waiting != 0 {
		t.Errorf("busy %d, waiting %d", busy, waiting)
	}
}

func TestHandlerKeepsConnections(t *testing.T) {
	path := fcgitest.Responder(t, func(conn net.Conn) {
		if req, err := fcgitest.ReadRequest(conn); err == nil {
			_, _ = conn.Write(fcgitest.Whole(fmt.Sprintf("Content-Length: %d", len(req.Body)), string(req.Body)))
		}
	})
	_, server := serveFront(t, Config{Sockets: []string{path}})
	conn := raw(t, server, strings.Repeat("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", 3))
	input := bufio.NewReader(conn)
	for i := range 3 {
		resp, err := http.ReadResponse(input, nil)
		if err != nil {
			t.Fatalf("response %d: %v", i, err)
		}
		if body, err := io.ReadAll(resp.Body); err != nil || string(body) != "abc" {
			t.Errorf("response %d: %q, %v", i, body, err)
		}
	}
}

func TestHandlerLogsStderr(t *testing.T) {
	log := &fcgitest.Log{}
	_, server := serveFront(t, Config{Log: log.Logger(),
		Sockets: []string{fcgitest.Responder(t, fcgitest.After(slices.Concat(fcgitest.Stderr("oh dear\n"), fcgitest.Whole("A: b", ""))))}})
	ask(t, newRequest(t, "GET", server.URL, nil))
	if !log.Contains("oh dear") {
		t.Error("the worker's error was not logged")
	}
}
