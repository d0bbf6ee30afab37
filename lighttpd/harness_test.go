package lighttpd

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/fcgi"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience bounds every wait, so that a broken configuration fails a test
// instead of stopping it.
const patience = 3 * time.Minute

// requireLighttpd returns the lighttpd program. Tests that need it fail
// without it, because a skipped test proves nothing.
func requireLighttpd(t *testing.T) string {
	t.Helper()
	binary, err := locate("")
	if err != nil {
		t.Fatalf("%v: run make deps", err)
	}
	return binary
}

// receive waits for a value, within bounds.
func receive[T any](t *testing.T, values <-chan T) T {
	t.Helper()
	var value T
	select {
	case value = <-values:
	case <-time.After(patience):
		t.Fatal("the application was not asked in time")
	}
	return value
}

// shortDir is like t.TempDir with a path short enough for sockets.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "l")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("kept %s", dir)
			return
		}
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// writeFile writes a file and the folders above it.
func writeFile(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// newSite makes the folders of an application in root and names its sockets.
func newSite(t *testing.T, root string, sockets int) Site {
	t.Helper()
	site := Site{Root: root, Public: filepath.Join(root, "public")}
	for _, dir := range []string{site.Public, filepath.Join(root, "log"), filepath.Join(root, "tmp")} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for slot := range sockets {
		site.Sockets = append(site.Sockets, filepath.Join(root, "log", fmt.Sprintf("s-%d", slot)))
	}
	return site
}

// respond serves FastCGI on socket until the test ends.
func respond(t *testing.T, socket string, handler http.Handler) {
	t.Helper()
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = fcgi.Serve(listener, handler) // ends with an error when the listener is closed
	}()
	t.Cleanup(func() {
		listener.Close()
		<-done
	})
}

// freePort returns a port that nobody listened on a moment ago.
func freePort(t *testing.T) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port
}

// daemon is a lighttpd of a test's own.
type daemon struct {
	url  string // without a slash at its end
	addr string

	mu  sync.Mutex
	log bytes.Buffer
}

func (d *daemon) logged() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.log.String()
}

// serve runs lighttpd with the configuration that config returns for a port,
// and stops it when the test ends. Another process can take the port between
// freePort and lighttpd's bind, so it is tried a few times.
func serve(t *testing.T, config func(port int) string) *daemon {
	t.Helper()
	binary := requireLighttpd(t)
	for range 5 {
		port := freePort(t)
		file := filepath.Join(shortDir(t), "lighttpd.conf")
		writeFile(t, file, config(port))
		d := &daemon{addr: fmt.Sprintf("127.0.0.1:%d", port)}
		d.url = "http://" + d.addr
		if d.start(t, binary, file) {
			return d
		}
		if !strings.Contains(d.logged(), "Address already in use") {
			t.Fatalf("lighttpd does not start:\n%s", d.logged())
		}
	}
	t.Fatal("lighttpd finds no free port")
	return nil
}

// start runs lighttpd and reports whether it got as far as serving.
func (d *daemon) start(t *testing.T, binary, file string) bool {
	t.Helper()
	cmd := exec.Command(binary, "-D", "-f", file)
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	started := make(chan struct{})
	exited := make(chan struct{})
	go func() {
		defer close(exited)
		lines := bufio.NewScanner(stderr)
		for lines.Scan() {
			d.mu.Lock()
			fmt.Fprintln(&d.log, lines.Text())
			d.mu.Unlock()
			if strings.Contains(lines.Text(), "server started") {
				close(started)
			}
		}
		_ = cmd.Wait() // stopped by SIGTERM below, or failed with its reason in the log
	}()
	select {
	case <-started:
	case <-exited:
		return false
	}
	t.Cleanup(func() {
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Errorf("stop lighttpd: %v", err)
		}
		<-exited
		if t.Failed() {
			t.Logf("lighttpd said:\n%s", d.logged())
		}
	})
	conn, err := net.Dial("tcp", d.addr)
	if err != nil {
		t.Fatalf("connect to lighttpd: %v", err)
	}
	conn.Close()
	return true
}

// full returns the configuration of a whole file for serve.
func full(t *testing.T, site Site) func(port int) string {
	return func(port int) string {
		text, err := Full(site, installed(t), Server{Port: port, UploadDir: filepath.Join(site.Root, "tmp")})
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
}

// installed is the version of the lighttpd that the tests run.
func installed(t *testing.T) Version {
	t.Helper()
	version, err := Find(t.Context(), requireLighttpd(t))
	if err != nil {
		t.Fatal(err)
	}
	return version
}

// reply is what a client got.
type reply struct {
	status int
	header http.Header
	body   string
}

// do sends a request with its path as given: no cleaning, no decoding.
func (d *daemon) do(t *testing.T, method, target string, body io.Reader, header ...string) reply {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, d.url, body)
	if err != nil {
		t.Fatal(err)
	}
	path, query, _ := strings.Cut(target, "?")
	request.URL.Opaque = path
	if strings.HasPrefix(path, "//") {
		// net/url takes two slashes for the start of a host.
		request.URL.Opaque = "//" + d.addr + path
	}
	request.URL.RawQuery = query
	for i := 0; i < len(header); i += 2 {
		if header[i] == "Host" {
			request.Host = header[i+1]
		}
		request.Header.Set(header[i], header[i+1])
	}
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", method, target, err, d.logged())
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatalf("%s %s: %v", method, target, err)
	}
	return reply{response.StatusCode, response.Header, string(text)}
}

func (d *daemon) get(t *testing.T, target string) reply {
	t.Helper()
	return d.do(t, http.MethodGet, target, nil)
}
