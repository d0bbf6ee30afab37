package front

import (
	"compress/gzip"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"launcher/fcgi/fcgitest"
)

func gunzip(t *testing.T, text string) string {
	t.Helper()
	reader, err := gzip.NewReader(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := io.ReadAll(reader)
	if err != nil {
		t.Fatal(err)
	}
	return string(plain)
}

// headed plays an application that answers with the head that the request asks for, and a long body.
func headed(t *testing.T, body string) string {
	return fcgitest.Responder(t, func(conn net.Conn) {
		req, err := fcgitest.ReadRequest(conn)
		if err != nil {
			return
		}
		head, _ := req.Params.Get("HTTP_X_HEAD")
		_, _ = conn.Write(fcgitest.Whole(strings.ReplaceAll(head, "|", "\r\n"), body))
	})
}

func TestHandlerCompresses(t *testing.T) {
	long := strings.Repeat("all work and no play\n", 1000)
	_, server := serveFront(t, Config{Sockets: []string{headed(t, long)}})
	tests := []struct {
		name, head, accept string
		compressed, varies bool
	}{
		{"page", "Content-Type: text/html; charset=utf-8", "gzip, deflate, br, zstd", true, true},
		{"with its length", "Content-Type: text/html|Content-Length: 21000", "gzip", true, true},
		{"JSON", "Content-Type: application/json", "gzip", true, true},
		{"JSON of some kind", "Content-Type: application/vnd.api+json", "gzip", true, true},
		{"SVG", "Content-Type: image/svg+xml", "gzip", true, true},
		{"error", "Status: 404|Content-Type: text/html", "gzip", true, true},
		{"weak ETag", `Content-Type: text/html|ETag: W/"1"`, "gzip", true, true},
		{"weighed", "Content-Type: text/html", "br;q=1.0, gzip; q=0.2", true, true},
		{"varies by another", "Content-Type: text/html|Vary: Cookie", "gzip", true, true},
		{"refused", "Content-Type: text/html", "gzip;q=0, br", false, true},
		{"refused by nothing", "Content-Type: text/html", "", false, true},
		{"refused by nonsense", "Content-Type: text/html", ";;,gzip;q=x", false, true},
		{"event stream", "Content-Type: text/event-stream", "gzip", false, false},
		{"image", "Content-Type: image/png", "gzip", false, false},
		{"no type", "A: b", "gzip", false, false},
		{"strong ETag", `Content-Type: text/html|ETag: "1"`, "gzip", false, false},
		{"compressed by the application", "Content-Type: text/html|Content-Encoding: br", "gzip", false, false},
		{"no-transform", "Content-Type: text/html|Cache-Control: public, No-Transform", "gzip", false, false},
		{"range", "Status: 206|Content-Type: text/html|Content-Range: bytes 0-20999/30000", "gzip", false, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			req := newRequest(t, "GET", server.URL, nil)
			req.Header.Set("X-Head", test.head)
			req.Header.Set("Accept-Encoding", test.accept)
			resp, body := ask(t, req)
			compressed := resp.Header.Get("Content-Encoding") == "gzip"
			if compressed != test.compressed {
				t.Fatalf("compressed: %v", compressed)
			}
			if compressed {
				if len(body) > len(long)/10 || resp.Header.Get("Content-Length") != "" && resp.ContentLength != int64(len(body)) {
					t.Errorf("%d bytes, %v", len(body), resp.Header)
				}
				body = gunzip(t, body)
			}
			if body != long {
				t.Errorf("got %d bytes", len(body))
			}
			vary := strings.Join(resp.Header.Values("Vary"), ", ")
			if strings.Count(vary, "Accept-Encoding") != map[bool]int{true: 1}[test.varies] || strings.Contains(test.head, "Cookie") != strings.Contains(vary, "Cookie") {
				t.Errorf("varies by %q", vary)
			}
			if test.head == "A: b" && resp.Header["Content-Type"] != nil {
				t.Error("a type was invented")
			}
		})
	}
}

func TestHandlerLeavesSmallBodies(t *testing.T) {
	_, server := serveFront(t, Config{Sockets: []string{headed(t, "short")}})
	req := newRequest(t, "GET", server.URL, nil)
	req.Header.Set("X-Head", "Content-Type: text/html")
	req.Header.Set("Accept-Encoding", "gzip")
	if resp, body := ask(t, req); body != "short" || resp.Header.Get("Content-Encoding") != "" || resp.Header.Get("Vary") != "Accept-Encoding" {
		t.Errorf("got %q, %v", body, resp.Header)
	}
}

// A stream that is compressed leaves as it comes all the same.
func TestHandlerCompressesStreams(t *testing.T) {
	next := make(chan struct{})
	path := fcgitest.Responder(t, func(conn net.Conn) {
		if _, err := fcgitest.ReadRequest(conn); err != nil {
			return
		}
		for _, part := range []string{"Content-Type: text/html\r\n\r\none\n", "two\n"} {
			_, _ = conn.Write(fcgitest.Stdout(part))
			<-next
		}
		_, _ = conn.Write(fcgitest.End())
	})
	_, server := serveFront(t, Config{Sockets: []string{path}})
	req := newRequest(t, "GET", server.URL, nil)
	req.Header.Set("Accept-Encoding", "gzip")
	resp, err := http.DefaultTransport.RoundTrip(req.WithContext(fcgitest.Context(t)))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.Header.Get("Content-Encoding") != "gzip" {
		t.Fatalf("got %v", resp.Header)
	}
	body, err := gzip.NewReader(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 10)
	for _, want := range []string{"one\n", "two\n"} {
		if n, err := body.Read(buf); string(buf[:n]) != want || err != nil {
			t.Errorf("got %q, %v", buf[:n], err)
		}
		fcgitest.Send(t, "the next chunk", next, struct{}{})
	}
	if rest, err := io.ReadAll(body); err != nil || len(rest) > 0 {
		t.Errorf("got %q, %v", rest, err)
	}
}

// No more responses are compressed at once than there is memory for.
func TestHandlerBoundsCompressors(t *testing.T) {
	front, server := serveFront(t, Config{Sockets: []string{headed(t, strings.Repeat("x", 5000))}})
	for range maxCompressors {
		front.compressor.slots <- struct{}{}
	}
	req := newRequest(t, "GET", server.URL, nil)
	req.Header.Set("X-Head", "Content-Type: text/html")
	req.Header.Set("Accept-Encoding", "gzip")
	if resp, body := ask(t, req); len(body) != 5000 || resp.Header.Get("Content-Encoding") != "" || resp.Header.Get("Vary") == "" {
		t.Errorf("got %d bytes, %v", len(body), resp.Header)
	}
	<-front.compressor.slots
	if resp, _ := ask(t, req); resp.Header.Get("Content-Encoding") != "gzip" {
		t.Errorf("afterwards: got %v", resp.Header)
	}
}

func TestStaticCompressed(t *testing.T) {
	public := fcgitest.TempDir(t)
	long, now := strings.Repeat("text", 1000), time.Now()
	for name, content := range map[string]string{
		"both.css": long, "both.css.br": "brotli", "both.css.gz": "gzip", "stale.css": long, "stale.css.gz": "gzip", "plain.css": long, "small.css": "a",
		"assets/app-0a1b2c3d.js": long, "assets/app-0a1b2c3d.js.gz": "gzip", "photo.png": long, "photo.png.gz": "gzip", "huge.txt": strings.Repeat("a", maxCompressedFile+1),
	} {
		path := filepath.Join(public, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		modified := now
		if strings.HasPrefix(name, "stale.css.") || strings.HasPrefix(name, "assets/app-0a1b2c3d.js.") {
			modified = now.Add(-time.Hour)
		}
		if err := os.Chtimes(path, modified, modified); err != nil {
			t.Fatal(err)
		}
	}
	_, server := serveFront(t, Config{Public: public})
	const asIs, made = "", "made" // gzip that is made for the client
	for _, test := range []struct{ path, accept, want, kind string }{
		{"/both.css", "gzip, br", "brotli", "text/css; charset=utf-8"},
		{"/both.css", "gzip", "gzip", "text/css; charset=utf-8"},
		{"/both.css", "br;q=0, gzip", "gzip", "text/css; charset=utf-8"},
		{"/both.css", "identity", asIs, "text/css; charset=utf-8"},
		{"/assets/app-0a1b2c3d.js", "gzip", "gzip", "text/javascript; charset=utf-8"},
		{"/stale.css", "gzip", made, "text/css; charset=utf-8"},
		{"/plain.css", "gzip", made, "text/css; charset=utf-8"},
		{"/plain.css", "", asIs, "text/css; charset=utf-8"},
		{"/small.css", "gzip", asIs, "text/css; charset=utf-8"},
		{"/huge.txt", "gzip", asIs, "text/plain; charset=utf-8"},
		{"/photo.png", "gzip", asIs, "image/png"},
		{"/both.css.gz", "gzip", "itself", "application/gzip"},
	} {
		t.Run(test.path+" "+test.accept, func(t *testing.T) {
			req := newRequest(t, "GET", server.URL+test.path, nil)
			req.Header.Set("Accept-Encoding", test.accept)
			resp, body := ask(t, req)
			coding := resp.Header.Get("Content-Encoding")
			switch test.want {
			case asIs, "itself":
				if coding != "" || test.want == asIs && strings.Trim(body, "texa") != "" {
					t.Errorf("got %.10q, coded by %q", body, coding)
				}
			case made:
				if coding != "gzip" || gunzip(t, body) != long || !strings.HasPrefix(resp.Header.Get("Etag"), "W/") {
					t.Errorf("got %d bytes, %v", len(body), resp.Header)
				}
			default:
				if body != test.want || coding != map[string]string{"gzip": "gzip", "brotli": "br"}[test.want] || resp.ContentLength != int64(len(body)) {
					t.Errorf("got %q, %v", body, resp.Header)
				}
			}
			varies := strings.Join(resp.Header.Values("Vary"), "; ")
			if text := strings.HasPrefix(test.kind, "text/"); resp.Header.Get("Content-Type") != test.kind || (varies == "Accept-Encoding") != text {
				t.Errorf("got %v", resp.Header)
			}
			again := newRequest(t, "GET", server.URL+test.path, nil)
			again.Header.Set("Accept-Encoding", test.accept)
			again.Header.Set("If-None-Match", resp.Header.Get("Etag"))
			if resp, body := ask(t, again); resp.StatusCode != http.StatusNotModified || body != "" {
				t.Errorf("again: %s, %q", resp.Status, body)
			}
		})
	}
	req := newRequest(t, "GET", server.URL+"/plain.css", nil)
	req.Header.Set("Accept-Encoding", "gzip")
	req.Header.Set("Range", "bytes=4-7")
	if resp, body := ask(t, req); resp.StatusCode != http.StatusPartialContent || body != "text" || resp.Header.Get("Content-Encoding") != "" {
		t.Errorf("range: got %s, %q, %v", resp.Status, body, resp.Header)
	}
}
