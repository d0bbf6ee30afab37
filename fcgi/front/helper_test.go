package front

import (
	"io"
	"net"
	"net/http"
	stdfcgi "net/http/fcgi"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

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

// raw sends bytes to the front and returns the connection.
func raw(t *testing.T, server *httptest.Server, input string) net.Conn {
	t.Helper()
	return rawTo(t, server.URL, input)
}

func rawTo(t *testing.T, url, input string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(fcgitest.Patience)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, input); err != nil {
		t.Fatal(err)
	}
	return conn
}
