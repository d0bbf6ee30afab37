//go:build linux

package cli

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	stdfcgi "net/http/fcgi"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"launcher/fcgi/fcgitest"
)

// run carries a command line out, and returns what it printed.
func runLine(t *testing.T, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	var files []*os.File
	for range 2 {
		file, err := os.CreateTemp(t.TempDir(), "output")
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		files = append(files, file)
	}
	status = Run("", append([]string{"launcher"}, args...), files[0], files[1])
	text := func(file *os.File) string {
		read, err := os.ReadFile(file.Name())
		if err != nil {
			t.Fatal(err)
		}
		return string(read)
	}
	return status, text(files[0]), text(files[1])
}

// standardResponder is that of Go's own library.
func standardResponder(t *testing.T) (path string) {
	path = filepath.Join(fcgitest.TempDir(t), "s")
	listener := fcgitest.Listen(t, path)
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = stdfcgi.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.ContentLength != 0 { // all that have no body share one reader, without a lock
				_, _ = io.Copy(w, r.Body)
			}
		}))
	}()
	t.Cleanup(func() {
		listener.Close()
		<-served
	})
	return path
}

func TestConformanceTable(t *testing.T) {
	t.Parallel()
	socket := "unix:" + standardResponder(t)
	status, out, _ := runLine(t, "conformance", "--case", "20", "--case", "25-proxy", "--case", "34-known", socket)
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if status != exitOK || len(lines) != 6 || lines[5] != "2 passed, 0 failed, 1 skipped" {
		t.Fatalf("%d: %s", status, out)
	}
	column := strings.Index(lines[0], "WHAT CAME BACK")
	for _, line := range lines[1:4] {
		if len(line) < column || strings.TrimRight(line[column-2:column], " ") != "" {
			t.Errorf("not aligned: %q", line)
		}
	}
}

func TestConformanceAsJSON(t *testing.T) {
	t.Parallel()
	path := fcgitest.Responder(t, func(conn net.Conn) { // serves the plain requests, whatever else
		if request, err := fcgitest.ReadRequest(conn); err == nil {
			_, found := request.Params.Get("REQUEST_METHOD")
			_, _ = conn.Write(fcgitest.Whole(map[bool]string{true: "A: b", false: "no header"}[found], "\x1b"))
		}
	})
	status, out, _ := runLine(t, "conformance", "--json", "--case", "20", "--case", "32-nothing", "unix:"+path)
	var printed struct {
		Address                 string
		Passed, Failed, Skipped int
		Cases                   []struct{ ID, Result, Got, Level, Expected string }
	}
	if err := json.Unmarshal([]byte(out), &printed); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if status != exitFailed || printed.Address != "unix:"+path || printed.Passed != 1 || printed.Failed != 1 || len(printed.Cases) != 2 {
		t.Errorf("%d: %+v", status, printed)
	}
	if last := printed.Cases[1]; last.ID != "32-nothing" || last.Result != "failed" || last.Got == "" || last.Level != "may" {
		t.Errorf("%+v", last)
	}
}

func TestConformanceList(t *testing.T) {
	t.Parallel()
	status, out, _ := runLine(t, "conformance", "--list", "--case", "26")
	if status != exitOK || strings.Count(out, "\n") != 7 || !strings.Contains(out, "26-letters") {
		t.Errorf("%d: %s", status, out)
	}
}

// TestConformanceIsStopped: what was found until then is printed. It is not parallel, since all tests have its signal.
func TestConformanceIsStopped(t *testing.T) {
	for _, test := range []struct {
		out  string
		args []string
	}{
		{"\n0 passed, 0 failed, 1 skipped, 1 not asked\n", []string{"--case", "25-proxy", "--case", "32-nothing"}},
		{`"not_asked": 1`, []string{"--case", "25-proxy", "--case", "32-nothing", "--json"}},
	} {
		path := fcgitest.Responder(t, func(conn net.Conn) {
			request, err := fcgitest.ReadRequest(conn)
			if err != nil {
				return
			}
			if _, plain := request.Params.Get("REQUEST_METHOD"); !plain {
				_ = syscall.Kill(os.Getpid(), syscall.SIGINT) // this process is there
				fcgitest.Silent(conn)
				return
			}
			_, _ = conn.Write(fcgitest.Whole("A: b", "c"))
		})
		status, out, says := runLine(t, append(append([]string{"conformance"}, test.args...), "unix:"+path)...)
		if status != exitFailed || !strings.Contains(out, test.out) || !strings.Contains(says, "run case 32-nothing: stopped by INT") {
			t.Errorf("%d: %s%s", status, out, says)
		}
	}
}

func TestConformanceMistakes(t *testing.T) {
	t.Parallel()
	socket := "unix:" + standardResponder(t)
	for _, test := range []struct {
		args   []string
		status int
		says   string
	}{
		{[]string{}, exitUsage, "one address is expected"},
		{[]string{socket, socket}, exitUsage, "one address is expected"},
		{[]string{"/run/s"}, exitUsage, `"/run/s" is neither unix:PATH nor HOST:PORT`},
		{[]string{"unix:"}, exitUsage, `neither unix:PATH nor HOST:PORT`},
		{[]string{"localhost"}, exitUsage, `neither unix:PATH nor HOST:PORT`},
		{[]string{"--case", "99", socket}, exitUsage, `there is no case "99"`},
		{[]string{"--param", "=x", socket}, exitUsage, `"=x" is not a name and a value`},
		{[]string{"--timeout", "0s", socket}, exitUsage, "0s is not a time to wait"},
		{[]string{"--list", socket}, exitUsage, "asks nobody"},
		{[]string{"--echo", socket}, exitFailed, "the application is not the probe application"},
		{[]string{"unix:/nowhere"}, exitFailed, "no connection: no such file or directory\nTry: start it"},
		{[]string{"127.0.0.1:99999"}, exitUsage, `a port is from 1 to 65535, not "99999"`},
		{[]string{"[::1]:0"}, exitUsage, "Try: launcher conformance [::1]:9000"},
		{[]string{"unix:" + strings.Repeat("a", 200)}, exitUsage, "a socket's path can have"},
		{[]string{strings.TrimPrefix(socket, "unix:")}, exitUsage, "Try: launcher conformance " + socket},
	} {
		status, out, says := runLine(t, append([]string{"conformance"}, test.args...)...)
		if status != test.status || !strings.Contains(says, test.says) || !strings.Contains(says, "Try: ") || out != "" {
			t.Errorf("%q: %d, %s%s", test.args, status, out, says)
		}
	}
}
