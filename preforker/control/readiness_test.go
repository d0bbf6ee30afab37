package control

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"launcher/preforker/internal/testdir"
)

// probed asks both probes of a launcher that says this of itself.
func probed(ask func(context.Context) (Readiness, error)) (health, ready *httptest.ResponseRecorder) {
	health, ready = httptest.NewRecorder(), httptest.NewRecorder()
	for _, probe := range Probes(ask) {
		answer := health
		if probe.path == "/readyz" {
			answer = ready
		}
		probe.page.ServeHTTP(answer, httptest.NewRequest(probe.method, probe.path, nil))
	}
	return health, ready
}

// TestProbes: a launcher that loads or stops is healthy, and not ready.
func TestProbes(t *testing.T) {
	for _, test := range []struct {
		is            Readiness
		err           error
		health, ready int
		says          string // the body of /readyz
	}{
		{Readiness{Ready: true, State: "running", Slots: 2, Served: 1}, nil, 200, 200, `{"ready":true,"state":"running","slots":2,"served":1}`},
		{Readiness{State: "loading", Reason: UnreadyLoading, Slots: 2}, nil, 200, 503, `{"ready":false,"state":"loading","reason":"loading","slots":2,"served":0}`},
		{Readiness{State: "stopping", Reason: UnreadyStopping, Slots: 2, Served: 2}, nil, 200, 503,
			`{"ready":false,"state":"stopping","reason":"stopping","slots":2,"served":2}`},
		{Readiness{}, ErrEnding, 503, 503, `{"error":"the launcher is ending","try":"see whether another one follows it (launcher status), else start it again"}`},
	} {
		health, ready := probed(func(context.Context) (Readiness, error) { return test.is, test.err })
		if health.Code != test.health || ready.Code != test.ready || ready.Body.String() != test.says+"\n" {
			t.Errorf("%+v: %d, %d %s", test.is, health.Code, ready.Code, ready.Body)
		}
		if test.err == nil && health.Body.String() != `{"healthy":true,"state":"`+test.is.State+"\"}\n" {
			t.Errorf("%+v: %s", test.is, health.Body)
		}
	}
}

// TestProbesOfAStuckLoop fail within the second that a probe waits.
func TestProbesOfAStuckLoop(t *testing.T) {
	t.Parallel()
	var given time.Duration
	health, ready := probed(func(ctx context.Context) (Readiness, error) {
		until, _ := ctx.Deadline()
		given = time.Until(until)
		<-ctx.Done()
		return Readiness{}, context.Cause(ctx)
	})
	if health.Code != http.StatusServiceUnavailable || ready.Code != http.StatusServiceUnavailable || given > time.Second {
		t.Errorf("%d, %d, within %v", health.Code, ready.Code, given)
	}
}

// servedAt has pages served at a port.
func servedAt(t *testing.T, pages ...Verb) (address string) {
	t.Helper()
	return servedBy(t, func(ctx context.Context, listener net.Listener) { ServeAt(ctx, listener, pages...) })
}

// servedPatiently is servedAt with far more time for each client.
func servedPatiently(t *testing.T, pages ...Verb) (address string) {
	t.Helper()
	return servedBy(t, func(ctx context.Context, listener net.Listener) {
		clients := newClients(ctx, listener)
		clients.http = true
		serve(ctx, clients, newHandler(pages, testdir.Patience))
	})
}

// servedBy serves at a port until the test ends.
func servedBy(t *testing.T, serve func(context.Context, net.Listener)) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		serve(ctx, listener)
	}()
	t.Cleanup(func() {
		end()
		<-done
	})
	return listener.Addr().String()
}

// TestServeAt serves pages at a port: those that are public by whatever name, others by names that no other site has.
func TestServeAt(t *testing.T) {
	says := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") })
	address := servedAt(t, Public("/metrics", says), Page(http.MethodGet, "/", says))
	for _, test := range []struct {
		method, path, host string
		status             int
	}{
		{"GET", "/metrics", "", 200}, {"HEAD", "/metrics", "", 200}, {"GET", "/metrics", "app-1.shop.example:9397", 200}, {"HEAD", "/metrics", "app-1.shop.example", 200},
		{"POST", "/metrics", "", 405}, {"POST", "/metrics", "app-1.shop.example", 421}, {"GET", "/", "", 200}, {"GET", "/", "app-1.shop.example", 421}, {"GET", "/status", "", 404},
	} {
		request, err := http.NewRequest(test.method, "http://"+address+test.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if test.host != "" {
			request.Host = test.host
		}
		answer, err := http.DefaultTransport.RoundTrip(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		if answer.StatusCode != test.status {
			t.Errorf("%s %s of %q: %d, not %d", test.method, test.path, test.host, answer.StatusCode, test.status)
		}
	}
}

// TestServeAtIsNotHeldUp by clients that say nothing, or read nothing of a long answer.
func TestServeAtIsNotHeldUp(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 16<<20) // more than both ends of a connection hold
	address := servedAt(t, Public("/long", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, long) })),
		Public("/short", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") })))
	for n := range 2 * maxClients {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if n%2 == 0 {
			if _, err := io.WriteString(conn, "GET /long HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
				t.Fatal(err)
			}
		}
	}
	client := http.Client{Timeout: testdir.Patience}
	answer, err := client.Get("http://" + address + "/short")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if text, err := io.ReadAll(answer.Body); err != nil || string(text) != "hello" {
		t.Errorf("%q, %v", text, err)
	}
}

// TestServeAtWaitsForNoBody: who announces one and does not send it is refused at once, and has no place that others wait for.
func TestServeAtWaitsForNoBody(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithCancel(context.Background())
	clients := newClients(ctx, listener)
	clients.http = true
	done := make(chan struct{})
	go func() {
		defer close(done)
		serve(ctx, clients, newHandler([]Verb{Public("/metrics", http.NotFoundHandler())}, time.Hour))
	}()
	requests := []string{"GET /metrics", "POST /metrics", "PUT /other"}
	for n := range 3 * maxClients {
		conn, err := net.Dial("tcp", listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(testdir.Patience))
		size := []string{"Content-Length: 60000", "Transfer-Encoding: chunked"}[n%2]
		if _, err := io.WriteString(conn, requests[n%3]+" HTTP/1.1\r\nHost: localhost\r\n"+size+"\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		if n >= 2*len(requests) {
			continue
		}
		if text, err := io.ReadAll(conn); err != nil || !strings.HasPrefix(string(text), "HTTP/1.1 400") || !strings.Contains(string(text), `"try":`) {
			t.Errorf("%q, %v", text, err)
		}
	}
	client := http.Client{Timeout: testdir.Patience}
	if answer, err := client.Get("http://" + listener.Addr().String() + "/metrics"); err != nil {
		t.Error(err)
	} else {
		_ = answer.Body.Close()
	}
	end()
	<-done
}

// TestServeAtAnswersAtItsEnd who was admitted before, also where the question comes after that.
func TestServeAtAnswersAtItsEnd(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithCancel(context.Background())
	clients, handler := newClients(ctx, listener), newHandler([]Verb{Public("/metrics", http.NotFoundHandler())}, testdir.Patience)
	clients.http, handler.last = true, testdir.Patience
	done := make(chan struct{})
	go func() {
		defer close(done)
		serve(ctx, clients, handler)
	}()
	dial := func() (net.Conn, error) { return net.Dial("tcp", listener.Addr().String()) }
	early, err := dial()
	if err != nil {
		t.Fatal(err)
	}
	defer early.Close()
	answer, err := http.Get("http://" + listener.Addr().String() + "/metrics") // so the one before has been admitted
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	end()
	for conn, err := dial(); err == nil; conn, err = dial() { // until nobody listens
		_ = conn.Close()
	}
	_, _ = io.WriteString(early, "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
	if text, err := io.ReadAll(early); err != nil || !strings.HasPrefix(string(text), "HTTP/1.1 404") {
		t.Errorf("%q, %v", text, err)
	}
	<-done
}

// TestServeAtBoundsAHeader.
func TestServeAtBoundsAHeader(t *testing.T) {
	address := servedAt(t, Public("/metrics", http.NotFoundHandler()))
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(testdir.Patience))
	go func() {
		_, _ = io.WriteString(conn, "GET /metrics HTTP/1.1\r\nHost: localhost\r\nX: "+strings.Repeat("x", 64<<10))
	}()
	line := make([]byte, 12)
	if _, err := io.ReadFull(conn, line); err != nil || string(line) != "HTTP/1.1 431" {
		t.Errorf("%q, %v", line, err)
	}
}
