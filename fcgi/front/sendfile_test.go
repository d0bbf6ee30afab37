package front

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"launcher/fcgi/fcgitest"
)

// sendfileTree is an application's folder with files that may be sent below storage and shared, and one
// that may not.
func sendfileTree(t *testing.T) (root string, allowed []string) {
	t.Helper()
	root = fcgitest.TempDir(t)
	for name, content := range map[string]string{
		"shared/report.pdf": "0123456789", "shared/a b%20c.txt": "odd", "shared/a b.txt": "space", "shared/sub/x": "x", "config/master.key": "secret",
	} {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for link, target := range map[string]string{
		"storage":         filepath.Join(root, "shared"), // as deploy tools do
		"shared/inside":   filepath.Join(root, "shared/report.pdf"),
		"shared/out":      filepath.Join(root, "config/master.key"),
		"shared/outer":    "../config",
		"shared/nowhere":  "/nowhere",
		"shared/circular": "circular",
	} {
		if err := os.Symlink(target, filepath.Join(root, link)); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mkfifo(filepath.Join(root, "shared/fifo"), 0o644); err != nil {
		t.Fatal(err)
	}
	return root, []string{filepath.Join(root, "missing"), filepath.Join(root, "storage")}
}

// sender plays an application that answers with the head that the request asks for.
func sender(t *testing.T) string {
	return fcgitest.Responder(t, func(conn net.Conn) {
		req, err := fcgitest.ReadRequest(conn)
		if err != nil {
			return
		}
		head, _ := req.Params.Get("HTTP_X_HEAD")
		_, _ = conn.Write(fcgitest.Whole(strings.ReplaceAll(head, "|", "\r\n"), ""))
	})
}

func TestHandlerSendsFiles(t *testing.T) {
	root, allowed := sendfileTree(t)
	log := &fcgitest.Log{}
	_, server := serveFront(t, Config{Sockets: []string{sender(t)}, SendfileDirs: allowed, Log: log.Logger()})
	report := "X-Sendfile: " + root + "/storage/report.pdf"
	const date = "Wed, 21 Oct 2015 07:28:00 GMT"
	tests := []struct {
		name, method, head string
		with               [2]string
		status             int
		want               string
		header             map[string]string
	}{
		{name: "as Rack does", head: report + "|Content-Length: 0|Content-Type: application/pdf|X-Kept: 1|Cache-Control: private", status: 200, want: "0123456789",
			header: map[string]string{"Content-Type": "application/pdf", "Content-Length": "10", "X-Kept": "1", "Cache-Control": "private", "Accept-Ranges": "bytes"}},
		{name: "with the length of the file", head: report + "|Content-Length: 10", status: 200, want: "0123456789", header: map[string]string{"Content-Type": "application/pdf"}},
		{name: "by lighttpd's name", head: "X-LIGHTTPD-send-file: " + root + "/storage/report.pdf", status: 200, want: "0123456789"},
		{name: "by the real path", head: "X-Sendfile: " + root + "/shared/report.pdf", status: 200, want: "0123456789"},
		{name: "link that stays", head: "X-Sendfile: " + root + "/storage/inside", status: 200, want: "0123456789", header: map[string]string{"Content-Type": "application/octet-stream"}},
		{name: "odd name", head: "X-Sendfile: " + root + "/storage/a b%20c.txt", status: 200, want: "odd"},
		{name: "encoded name", head: "X-Sendfile: " + root + "/storage/a%20b.txt", status: 200, want: "space"},
		{name: "range", head: report, with: [2]string{"Range", "bytes=2-4"}, status: 206, want: "234",
			header: map[string]string{"Content-Range": "bytes 2-4/10", "Content-Length": "3"}},
		{name: "range that the application has seen", head: "Status: 206|Content-Range: bytes 0-1/2|Content-Length: 2|" + report,
			with: [2]string{"Range", "bytes=2-4"}, status: 206, want: "234", header: map[string]string{"Content-Range": "bytes 2-4/10"}},
		{name: "range out of bounds", head: report, with: [2]string{"Range", "bytes=20-"}, status: 416, header: map[string]string{"Content-Range": "bytes */10"}},
		{name: "etag of the application", head: report + `|ETag: "v1"`, with: [2]string{"If-None-Match", `"v1"`}, status: 304, header: map[string]string{"Etag": `"v1"`}},
		{name: "date of the application", head: report + "|Last-Modified: " + date, with: [2]string{"If-Modified-Since", date}, status: 304},
		{name: "HEAD", method: "HEAD", head: report, status: 200, header: map[string]string{"Content-Length": "10"}},
		{name: "POST with a range", method: "POST", head: report, with: [2]string{"Range", "bytes=2-4"}, status: 200, want: "0123456789"},
		{name: "another status", head: "Status: 404|" + report, status: 404, want: "0123456789", header: map[string]string{"Content-Length": "10"}},
		{name: "304 of the application", head: "Status: 304|" + report, status: 304},

		{name: "missing", head: "X-Sendfile: " + root + "/storage/none", status: 404},
		{name: "dangling link", head: "X-Sendfile: " + root + "/storage/nowhere", status: 404},
		{name: "outside", head: "X-Sendfile: " + root + "/config/master.key", status: 500},
		{name: "dots", head: "X-Sendfile: " + root + "/storage/../config/master.key", status: 500},
		{name: "encoded dots", head: "X-Sendfile: " + root + "/storage/%2e%2e/config/master.key", status: 500},
		{name: "link out", head: "X-Sendfile: " + root + "/storage/out", status: 500},
		{name: "linked folder out", head: "X-Sendfile: " + root + "/storage/outer/master.key", status: 500},
		{name: "circular link", head: "X-Sendfile: " + root + "/storage/circular", status: 500},
		{name: "FIFO", head: "X-Sendfile: " + root + "/storage/fifo", status: 500},
		{name: "folder", head: "X-Sendfile: " + root + "/storage/sub", status: 500},
		{name: "the allowed folder itself", head: "X-Sendfile: " + root + "/storage", status: 500},
		{name: "sibling of the same beginning", head: "X-Sendfile: " + root + "/storage2/x", status: 404},
		{name: "relative", head: "X-Sendfile: storage/report.pdf", status: 500},
		{name: "empty", head: "X-Sendfile: ", status: 500},
		{name: "device", head: "X-Sendfile: /dev/zero", status: 500},
		{name: "endless name", head: "X-Sendfile: /" + strings.Repeat("x", 5000), status: 500},
		{name: "two files", head: report + "|X-Sendfile: " + root + "/storage/sub/x", status: 500},
		{name: "the first one again", head: report + "|X-Sendfile: " + root + "/storage/sub/x|" + report, status: 500},
		{name: "nginx's", head: "X-Accel-Redirect: " + root + "/storage/report.pdf", status: 500},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			method := test.method
			if method == "" {
				method = "GET"
			}
			req := newRequest(t, method, server.URL, nil)
			req.Header.Set("X-Head", test.head)
			if test.with[0] != "" {
				req.Header.Set(test.with[0], test.with[1])
			}
			resp, body := ask(t, req)
			failed := resp.StatusCode >= 400 && test.want == "" && test.status != 416
			if resp.StatusCode != test.status || !failed && test.status != 416 && body != test.want {
				t.Errorf("got %s, %q", resp.Status, body)
			}
			for name, want := range test.header {
				if got := resp.Header.Get(name); got != want {
					t.Errorf("%s: got %q, want %q", name, got, want)
				}
			}
			if told := fmt.Sprint(resp.Header, body); strings.Contains(told, root) || strings.Contains(told, "secret") {
				t.Errorf("the client was told %s", told)
			}
		})
	}
	for _, want := range []string{"file was not sent", "--sendfile-dir", "not a regular file", "config/master.key", "X-Accel-Redirect",
		"it leads to " + root + "/config/master.key: the file is in none"} {
		if !log.Contains(want) {
			t.Errorf("the log has no %q", want)
		}
	}
}

func TestHandlerWithoutSendfile(t *testing.T) {
	root, _ := sendfileTree(t)
	log := &fcgitest.Log{}
	_, server := serveFront(t, Config{Sockets: []string{sender(t)}, Log: log.Logger()})
	req := newRequest(t, "GET", server.URL, nil)
	req.Header.Set("X-Head", "X-Sendfile: "+root+"/storage/report.pdf|Content-Length: 0")
	resp, body := ask(t, req)
	if resp.StatusCode != 500 || strings.Contains(fmt.Sprint(resp.Header, body), root) {
		t.Errorf("got %s, %v, %q", resp.Status, resp.Header, body)
	}
	if !log.Contains("--sendfile-dir") {
		t.Error("the log does not name the option")
	}
}

// The worker is free while its file is sent.
func TestHandlerSendsFileWithoutWorker(t *testing.T) {
	root := fcgitest.TempDir(t)
	file, err := os.Create(filepath.Join(root, "large"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err := file.Truncate(64 << 20); err != nil { // more than the buffers in between hold
		t.Fatal(err)
	}
	front, server := serveFront(t, Config{Sockets: []string{sender(t)}, SendfileDirs: []string{root}})
	conn := raw(t, server, "GET / HTTP/1.1\r\nHost: a\r\nX-Head: X-Sendfile: "+root+"/large\r\n\r\n")
	if _, err := conn.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	if busy, _ := front.Load(); busy != 0 {
		t.Error("the worker is held")
	}
}
