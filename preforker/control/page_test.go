package control

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"launcher/preforker/internal/testdir"
)

// admitted admits all but those who ask not to be.
func admitted(w http.ResponseWriter, r *http.Request) bool {
	if r.URL.RawQuery == "refused" {
		w.WriteHeader(http.StatusUnauthorized)
		return false
	}
	return true
}

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
		Stream(http.MethodGet, "/stream", admitted, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
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
		{"POST", "/", strings.Repeat("x", maxBody+1), 400, `"try":"send at most 65536 bytes"`},
		{"DELETE", "/", "", 405, `"try":"use GET or POST"`},
		{"GET", "/other", "", 404, "POST /count, GET /, POST /, GET /stream"},
	} {
		if status, _, text := c.request(t, test.method, test.path, test.body); status != test.status || !strings.Contains(text, test.says) {
			t.Errorf("%s %s: %d %.300q", test.method, test.path, status, text)
		}
	}
}

// TestLateAnswer: who waits for something that takes too long is told so, and hears not only the end of the conversation.
func TestLateAnswer(t *testing.T) {
	t.Parallel()
	c := startWith(t, testdir.Short(t), 100*time.Millisecond, Get("/late", func(ctx context.Context) (any, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}), Page(http.MethodGet, "/page", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		<-r.Context().Done()
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = io.WriteString(w, r.Context().Err().Error())
	})))
	for _, path := range []string{"/late", "/page"} {
		if status, _, text := c.request(t, http.MethodGet, path, ""); status != http.StatusServiceUnavailable || !strings.Contains(text, context.DeadlineExceeded.Error()) {
			t.Errorf("%s: %d %.300q", path, status, text)
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
