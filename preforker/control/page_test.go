package control

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"launcher/preforker/internal/testdir"
)

// pages are one that tells what it was sent, and a stream without an end.
func pages(streamed chan<- error) []Verb {
	return []Verb{
		Page(http.MethodGet, "/", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			_, _ = io.WriteString(w, "<p>hello")
		})),
		Page(http.MethodPost, "/", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			text, err := io.ReadAll(r.Body)
			_, _ = fmt.Fprintf(w, "%d bytes, %v", len(text), err != nil)
		})),
		Stream(http.MethodGet, "/stream", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, "first\n")
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
			_, _ = io.WriteString(w, "last\n")
			streamed <- r.Context().Err()
		})),
	}
}

// TestPages are served beside verbs, and write what they like.
func TestPages(t *testing.T) {
	c := startWith(t, testdir.Short(t), clientTimeout, append(testVerbs(), pages(nil)...)...)
	for _, test := range []struct {
		method, path, body string
		status             int
		says               string
	}{
		{"GET", "/", "", 200, "<p>hello"},
		{"POST", "/", "1234", 200, "4 bytes, false"},
		{"POST", "/", strings.Repeat("x", maxBody+1), 200, "65536 bytes, true"},
		{"DELETE", "/", "", 405, `"try":"use GET or POST"`},
		{"GET", "/other", "", 404, "POST /count, GET /, POST /, GET /stream"},
	} {
		if status, _, text := c.request(t, test.method, test.path, test.body); status != test.status || !strings.Contains(text, test.says) {
			t.Errorf("%s %s: %d %.300q", test.method, test.path, status, text)
		}
	}
}

// TestStreams take no place of those who want a short answer, last longer than these may, and end with their client and with the server.
func TestStreams(t *testing.T) {
	t.Parallel()
	ended := make(chan error, maxFollowers)
	c := startWith(t, testdir.Short(t), 500*time.Millisecond, append(testVerbs(), pages(ended)...)...)
	open := func() (first string, rest *bufio.Reader, leave func()) {
		conn := c.dial(t)
		_, _ = io.WriteString(conn, "GET /stream HTTP/1.1\r\nHost: launcher\r\n\r\n")
		answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		rest = bufio.NewReader(answer.Body)
		first, _ = rest.ReadString('\n')
		return first, rest, func() { _ = conn.Close() }
	}
	_, earliest, _ := open()
	var leave func()
	for n := range maxFollowers - 1 {
		first, _, end := open()
		if leave = end; first != "first\n" {
			t.Errorf("%d: %q", n, first)
		}
	}
	if text, err := io.ReadAll(c.dial(t)); len(text) > 0 || err != nil { // who says nothing is left when that time is over
		t.Errorf("%q, %v", text, err)
	}
	if first, _, _ := open(); !strings.Contains(first, "32 clients wait") {
		t.Errorf("one too many: %q", first)
	}
	leave()
	<-ended
	_, last, _ := open()
	if got := c.says(t, asksStatus, false); !strings.Contains(got, `"running"`) {
		t.Errorf("%q", got)
	}
	if got := c.says(t, "HEAD / HTTP/1.1\r\nHost: launcher\r\n\r\n", false); !strings.HasPrefix(got, "HTTP/1.1 200") || !strings.HasSuffix(got, "\r\n\r\n") {
		t.Errorf("%q", got)
	}
	c.stop()
	for range maxFollowers {
		<-ended
	}
	for _, rest := range []io.Reader{earliest, last} {
		if text, err := io.ReadAll(rest); string(text) != "last\n" || err != nil {
			t.Errorf("it ends with %q, %v", text, err)
		}
	}
}

// TestOtherSitesAreRefused: what a page of another site has a browser send through a forwarded port, and a name that leads here.
func TestOtherSitesAreRefused(t *testing.T) {
	c := start(t, testdir.Short(t))
	for _, test := range []struct {
		method, path, headers string
		status                int
	}{
		{"GET", "/status", "Host: launcher", 200}, {"GET", "/status", "Host: localhost:8080", 200}, {"GET", "/status", "Host: 127.0.0.1:8080", 200},
		{"GET", "/status", "Host: [::1]:8080", 200}, {"GET", "/status", "Host: [::1]", 200}, {"GET", "/status", "Host: ", 200},
		{"GET", "/status", "Host: evil.example", 421}, {"GET", "/status", "Host: evil.example:8080", 421}, {"GET", "/status", "Host: 127.0.0.1.evil.example", 421},
		{"POST", "/turn", "Host: localhost:8080\r\nOrigin: http://localhost:8080", 200},
		{"POST", "/turn", "Host: localhost:8080\r\nSec-Fetch-Site: same-origin", 200},
		{"POST", "/turn", "Host: localhost:8080\r\nOrigin: http://evil.example", 403},
		{"POST", "/turn", "Host: localhost:8080\r\nOrigin: http://localhost:3000", 403},
		{"POST", "/turn", "Host: localhost:8080\r\nOrigin: null", 403},
		{"POST", "/turn", "Host: localhost:8080\r\nSec-Fetch-Site: cross-site", 403},
		{"POST", "/turn", "Host: localhost:8080\r\nSec-Fetch-Site: same-site", 403},
		{"POST", "/turn", "Host: evil.example\r\nSec-Fetch-Site: same-origin", 421},
	} {
		body := `{"to":"left"}`
		text := c.says(t, fmt.Sprintf("%s %s HTTP/1.1\r\n%s\r\nContent-Length: %d\r\n\r\n%s", test.method, test.path, test.headers, len(body), body), false)
		if want := fmt.Sprintf("HTTP/1.1 %d ", test.status); !strings.HasPrefix(text, want) || test.status != 200 && !strings.Contains(text, `"try":`) {
			t.Errorf("%s %s %q: %.300q", test.method, test.path, test.headers, text)
		}
	}
}

func TestOwnNames(t *testing.T) {
	for host, want := range map[string]bool{"shop.example": true, "SHOP.example:80": true, "shop.example.org": false, "example": true, "": true, "fe80::1": true} {
		if isOwn(host, []string{"shop.example"}) != want {
			t.Errorf("%q: %v", host, !want)
		}
	}
}
