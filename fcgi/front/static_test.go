package front

import (
	"bufio"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"launcher/fcgi/fcgitest"
)

const fromApp = "from the application"

// publicFolder is a folder with what must and what must not be served.
func publicFolder(t *testing.T) string {
	t.Helper()
	root := fcgitest.TempDir(t)
	public := filepath.Join(root, "public")
	for name, content := range map[string]string{
		"public/hello.txt":                        "hello",
		"public/a b.html":                         "space",
		"public/index.html":                       "index",
		"public/sub/index.html":                   "index",
		"public/.env":                             "secret",
		"public/.git/config":                      "secret",
		"public/sub/.hidden":                      "secret",
		"public/.well-known/acme/token":           "token",
		"public/upload.of-no-known-type":          "<html><script>alert(1)</script>",
		"public/assets/app-0a1b2c3d.css":          "css",
		"public/assets/photo-20240131.jpg":        "jpg",
		"public/other/app-0a1b2c3d.css":           "css",
		"shared/system/file.txt":                  "shared",
		"shared/system/.env":                      "secret",
		"secret.txt":                              "secret",
		"public/assets/x/y-0123456789abcdef.js":   "js",
		"public/assets/app-deadbeefdeadbeef.html": "html",
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
		"system":          filepath.Join(root, "shared/system"), // as deploy tools do
		"inside.txt":      filepath.Join(root, "public/hello.txt"),
		"relative.txt":    "sub/../hello.txt",
		"inside":          "sub",
		"leak.txt":        filepath.Join(root, "secret.txt"),
		"sub/up.txt":      "../../secret.txt",
		"leak":            root,
		"hidden.txt":      ".env",
		"hidden":          ".git",
		"system-env.txt":  filepath.Join(root, "shared/system/.env"),
		"nowhere.txt":     "nowhere",
		"circular.txt":    "circular.txt",
		"device.txt":      "/dev/zero",
		"assets/leak.css": filepath.Join(root, "secret.txt"),
	} {
		if err := os.Symlink(target, filepath.Join(public, link)); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mkfifo(filepath.Join(public, "fifo"), 0o644); err != nil {
		t.Fatal(err)
	}
	return public
}

func TestHandlerStatic(t *testing.T) {
	public := publicFolder(t)
	app := fcgitest.Responder(t, fcgitest.After(fcgitest.Whole("Content-Type: text/plain", fromApp)))
	const long = "public, max-age=31536000, immutable"
	tests := []struct {
		method, path string
		want         string // fromApp: not served as a file
		kind, cache  string
	}{
		{"GET", "/hello.txt", "hello", "text/plain; charset=utf-8", ""},
		{"GET", "/hello.txt?1234", "hello", "text/plain; charset=utf-8", ""},
		{"HEAD", "/hello.txt", "", "text/plain; charset=utf-8", ""},
		{"GET", "/a%20b.html", "space", "text/html; charset=utf-8", ""},
		{"GET", "/index.html", "index", "text/html; charset=utf-8", ""},
		{"GET", "/system/file.txt", "shared", "text/plain; charset=utf-8", ""},
		{"GET", "/.well-known/acme/token", "token", "application/octet-stream", ""},
		{"GET", "/upload.of-no-known-type", "<html><script>alert(1)</script>", "application/octet-stream", ""},
		{"GET", "/assets/app-0a1b2c3d.css", "css", "text/css; charset=utf-8", long},
		{"GET", "/assets/x/y-0123456789abcdef.js", "js", "text/javascript; charset=utf-8", long},
		{"GET", "/assets/photo-20240131.jpg", "jpg", "image/jpeg", ""},
		{"GET", "/other/app-0a1b2c3d.css", "css", "text/css; charset=utf-8", ""},
		{"POST", "/hello.txt", fromApp, "", ""},
		{"OPTIONS", "/hello.txt", fromApp, "", ""},
		{"GET", "/", "index", "text/html; charset=utf-8", ""},
		{"GET", "/sub/", "index", "text/html; charset=utf-8", ""},
		{"GET", "/sub", fromApp, "", ""},
		{"GET", "/assets/", fromApp, "", ""},
		{"POST", "/", fromApp, "", ""},
		{"GET", "//", fromApp, "", ""},
		{"GET", "/.git/", fromApp, "", ""},
		{"GET", "/hello.txt/", fromApp, "", ""},
		{"GET", "/hello.txt/x", fromApp, "", ""},
		{"GET", "//hello.txt", fromApp, "", ""},
		{"GET", "/.env", fromApp, "", ""},
		{"GET", "/%2eenv", fromApp, "", ""},
		{"GET", "/.git/config", fromApp, "", ""},
		{"GET", "/sub/.hidden", fromApp, "", ""},
		{"GET", "/sub/.well-known", fromApp, "", ""},
		{"GET", "/../secret.txt", fromApp, "", ""},
		{"GET", "/sub/../hello.txt", fromApp, "", ""},
		{"GET", "/%2e%2e/secret.txt", fromApp, "", ""},
		{"GET", "/..%2fsecret.txt", fromApp, "", ""},
		{"GET", "/fifo", fromApp, "", ""},
		{"GET", "/none", fromApp, "", ""},
		{"GET", "/inside.txt", "hello", "text/plain; charset=utf-8", ""},
		{"GET", "/relative.txt", "hello", "text/plain; charset=utf-8", ""},
		{"GET", "/inside/", "index", "text/html; charset=utf-8", ""},
		{"GET", "/nowhere.txt", fromApp, "", ""},
		{"GET", "/circular.txt", fromApp, "", ""},
		{"GET", "/device.txt", fromApp, "", ""},
		{"GET", "/" + strings.Repeat("x", 5000), fromApp, "", ""},
	}
	for _, prefix := range []string{"", "/shop"} {
		shared := filepath.Join(filepath.Dir(public), "shared")
		_, server := serveFront(t, Config{Public: public, LinkDirs: []string{"/nowhere", shared}, Prefix: prefix, Sockets: []string{app}})
		for _, test := range tests {
			resp, body := ask(t, newRequest(t, test.method, server.URL+prefix+test.path, nil))
			if resp.StatusCode != 200 || body != test.want {
				t.Errorf("%s %.40s: got %s, %q", test.method, test.path, resp.Status, body)
			}
			if test.want == fromApp {
				continue
			}
			if got := resp.Header.Get("Content-Type"); got != test.kind {
				t.Errorf("%s: got type %q", test.path, got)
			}
			if got := resp.Header.Get("Cache-Control"); got != test.cache {
				t.Errorf("%s: got cache %q", test.path, got)
			}
		}
	}
}

// A link in the public folder makes nothing public that lies outside, or has a name with a dot.
func TestStaticLinksOut(t *testing.T) {
	public := publicFolder(t)
	log := &fcgitest.Log{}
	_, server := serveFront(t, Config{Public: public, LinkDirs: []string{filepath.Join(filepath.Dir(public), "shared")}, Log: log.Logger()})
	for _, path := range []string{"/leak.txt", "/sub/up.txt", "/leak/secret.txt", "/hidden.txt", "/hidden/config", "/system-env.txt", "/assets/leak.css"} {
		if resp, body := ask(t, newRequest(t, "GET", server.URL+path, nil)); resp.StatusCode != 403 || strings.Contains(body, "secret") {
			t.Errorf("%s: got %s, %q", path, resp.Status, body)
		}
	}
	if !log.Contains("/secret.txt: the link leads out of the public folder") || !log.Contains("--sendfile-dir") {
		t.Errorf("the log does not say why: %s", log)
	}
	_, server = serveFront(t, Config{Public: public})
	if resp, _ := ask(t, newRequest(t, "GET", server.URL+"/system/file.txt", nil)); resp.StatusCode != 403 {
		t.Errorf("without folders that links may lead to: got %s", resp.Status)
	}
}

// Who starts the launcher is told of links that lead to nothing.
func TestCheckLinks(t *testing.T) {
	public := publicFolder(t)
	root := filepath.Dir(public)
	var got []string
	for _, err := range New(Config{Public: public, LinkDirs: []string{filepath.Join(root, "shared", "system")}}).CheckLinks() {
		name, why, _ := strings.Cut(strings.TrimPrefix(err.Error(), public+"/"), ": it leads to ")
		if !strings.Contains(why, "--sendfile-dir") {
			t.Errorf("got %v", err)
		}
		got = append(got, name)
	}
	if want := []string{"device.txt", "hidden", "hidden.txt", "leak", "leak.txt", "system-env.txt"}; !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	if errs := New(Config{Public: filepath.Join(root, "none")}).CheckLinks(); errs != nil {
		t.Errorf("without a folder: %v", errs)
	}
}

func TestHandlerStaticConditional(t *testing.T) {
	_, server := serveFront(t, Config{Public: publicFolder(t)})
	first, _ := ask(t, newRequest(t, "GET", server.URL+"/hello.txt", nil))
	for name, value := range map[string]string{"If-None-Match": first.Header.Get("ETag"), "If-Modified-Since": first.Header.Get("Last-Modified")} {
		req := newRequest(t, "GET", server.URL+"/hello.txt", nil)
		req.Header.Set(name, value)
		if resp, body := ask(t, req); value == "" || resp.StatusCode != http.StatusNotModified || body != "" {
			t.Errorf("%s %q: got %s, %q", name, value, resp.Status, body)
		}
	}
	req := newRequest(t, "GET", server.URL+"/hello.txt", nil)
	req.Header.Set("Range", "bytes=1-2")
	if resp, body := ask(t, req); resp.StatusCode != http.StatusPartialContent || body != "el" {
		t.Errorf("range: got %s, %q", resp.Status, body)
	}
}

func TestHasDigest(t *testing.T) {
	for name, want := range map[string]bool{
		"/assets/app-0a1b2c3d.css": true, "/assets/app-0a1b2c3d.css.map": true, "/assets/x/a-b-0123456789abcdef.js": true,
		"/assets/app-" + strings.Repeat("1", 64) + ".js": true, "/assets/app.js-" + strings.Repeat("a1", 32) + ".map": true,
		"/packs/js/0-9b1f6a0c3d2e4f5a6b7c.chunk.js": true, "/vite/assets/app-DkZ2BOoJ.js": true, "/vite/assets/app.cbd3fa7b.css": true,
		"/assets/app-12345678.js": false, "/assets/app-feedface.js": false, "/assets/app.css": false, "/assets/app-0a1b2c3d": false,
		"/assets/app-0a1b.css": false, "/assets/app-0a1b2c3x.css": false, "/assets/-0a1b2c3d.css": false, "/assets/app-DkZ2BOoJ.js": false,
		"/assets/jquery-3.7.1.min.js": false, "/other/app-0a1b2c3d.css": false, "/app-0a1b2c3d.css": false, "/assets": false,
	} {
		if got := hasDigest(name); got != want {
			t.Errorf("%s: got %v", name, got)
		}
	}
}

func FuzzIsFileName(f *testing.F) {
	f.Add("/a/../b")
	f.Add("/.well-known/x")
	f.Fuzz(func(t *testing.T, name string) {
		if !isFileName(name) {
			return
		}
		if clean := filepath.Join("/public", name); clean != "/public"+name {
			t.Errorf("%q becomes %q", name, clean)
		}
	})
}

func TestHandlerWithoutConnection(t *testing.T) {
	front := New(Config{Public: publicFolder(t)})
	recorder := httptest.NewRecorder()
	front.ServeHTTP(recorder, httptest.NewRequest("GET", "/hello.txt", nil))
	if recorder.Body.String() != "hello" {
		t.Errorf("got %q", recorder.Body)
	}
}

// A file that is asked for with a body is sent at once: the body is not waited for, nor taken for a request. The
// connection ends, though the rest of the body does not come.
func TestStaticIgnoresBody(t *testing.T) {
	t.Parallel()
	_, server := serveFront(t, Config{Public: publicFolder(t)})
	for _, head := range []string{"Content-Length: 10\r\n\r\nabc", "Transfer-Encoding: chunked\r\n\r\n9\r\nabc"} {
		conn := raw(t, server, "GET /hello.txt HTTP/1.1\r\nHost: h\r\n"+head)
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Errorf("%q: %v", head, err)
		} else if body, err := io.ReadAll(resp.Body); err != nil || string(body) != "hello" || !resp.Close {
			t.Errorf("%q: got %q, %v, closes: %v", head, body, err, resp.Close)
		}
		if strings.HasPrefix(head, "Transfer") && !ended(conn) {
			t.Error("the connection stays")
		}
		conn.Close()
	}
}
