package load

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"launcher/fcgi/fcgitest"
)

// startLighttpd serves a folder. A connection carries eleven requests at most: lighttpd
// does not count the first.
func startLighttpd(t *testing.T, folder string) Target {
	t.Helper()
	program, err := exec.LookPath("lighttpd")
	if err != nil {
		if program, err = exec.LookPath("/usr/sbin/lighttpd"); err != nil {
			t.Fatal(err)
		}
	}
	free := listen(t, "tcp")
	port := free.Addr().(*net.TCPAddr).Port
	_ = free.Close()
	configuration := filepath.Join(fcgitest.TempDir(t), "lighttpd.conf")
	text := fmt.Sprintf("server.document-root = %q\nserver.bind = \"127.0.0.1\"\nserver.port = %d\n"+
		"server.max-keep-alive-requests = 10\nserver.modules = ()\n", folder, port)
	if err := os.WriteFile(configuration, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	server := exec.Command(program, "-D", "-f", configuration)
	server.Stdout, server.Stderr = &log, &log
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = server.Process.Signal(syscall.SIGTERM)
		_ = server.Wait()
		if t.Failed() {
			t.Logf("lighttpd said:\n%s", log.String())
		}
	})
	target := HTTP("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	for deadline := time.Now().Add(fcgitest.Patience); ; time.Sleep(5 * time.Millisecond) {
		_, err := Probe(t.Context(), target, basic("/page"))
		if err == nil {
			return target
		}
		if time.Now().After(deadline) {
			t.Fatalf("lighttpd does not answer: %v", err)
		}
	}
}

func TestLighttpd(t *testing.T) {
	const size = 26000
	folder := fcgitest.TempDir(t)
	if err := os.WriteFile(filepath.Join(folder, "page"), make([]byte, size), 0o600); err != nil {
		t.Fatal(err)
	}
	target := startLighttpd(t, folder)
	plan := basic("/page", "/nothing")
	plan.Requests, plan.Connections = 200, 4
	result := load(t, target, plan)
	if result.OK != 100 || result.Bytes != 100*size {
		t.Errorf("%d right answers of %d bytes", result.OK, result.Bytes)
	}
	if want := []Failure{{"GET /nothing: status 404", 100}}; !slices.Equal(result.Failures, want) {
		t.Errorf("got %v, want %v", result.Failures, want)
	}
	// It says so when it ends a connection.
	if result.Connects < 19 || result.Connects > 23 || result.Retried != 0 {
		t.Errorf("%d connections, %d requests sent again", result.Connects, result.Retried)
	}
}
