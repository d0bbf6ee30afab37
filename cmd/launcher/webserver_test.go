//go:build linux

package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// freePort is a port of 127.0.0.1 that is the test's own until it ends. The kernel gives it to nobody who asks for any port, and
// a name that only one process can have (an abstract socket) keeps other tests from it.
func freePort(t testing.TB) int {
	t.Helper()
	return freePorts(t, 1)
}

// freePorts are so many in a row; it returns the first.
func freePorts(t testing.TB, count int) int {
	t.Helper()
	for range 1000 {
		first := 10_000 + rand.IntN(20_000)
		var reserved []net.Listener
		for port := first; port < first+count; port++ {
			name, err := net.Listen("unix", fmt.Sprintf("@launcher-test-port-%d", port))
			if err != nil {
				break
			}
			reserved = append(reserved, name)
			l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
			if err != nil {
				break
			}
			_ = l.Close()
			if port == first+count-1 {
				t.Cleanup(func() { closeAll(reserved) })
				return first
			}
		}
		closeAll(reserved)
	}
	t.Fatal("no port is free")
	return 0
}

func closeAll(listeners []net.Listener) {
	for _, l := range listeners {
		_ = l.Close()
	}
}

// runLighttpd runs lighttpd on a configuration and returns the address of its site. It
// is stopped when the test ends.
func runLighttpd(t testing.TB, dir string, port int, configuration string) (url string) {
	t.Helper()
	file := filepath.Join(dir, "lighttpd-test.conf")
	if err := os.WriteFile(file, []byte(configuration), 0o600); err != nil {
		t.Fatal(err)
	}
	return runServer(t, exec.Command(tool(t, "lighttpd"), "-D", "-f", file), port, configuration)
}

// runServer runs a web server until the test ends, and returns the address of its site once it listens.
func runServer(t testing.TB, cmd *exec.Cmd, port int, configuration string) (url string) {
	t.Helper()
	var log lockedBuffer
	cmd.Stdout, cmd.Stderr = &log, &log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(ended)
	}()
	name := filepath.Base(cmd.Path)
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		<-ended
		if t.Failed() {
			t.Logf("%s said:\n%s\nit had:\n%s", name, log.String(), configuration)
		}
	})
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	waitFor(t, name+" to listen", func() bool {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			return conn.Close() == nil
		}
		select {
		case <-ended:
			t.Fatalf("%s ended: %s\n%s", name, log.String(), configuration)
		default:
		}
		return false
	})
	return "http://" + address
}

// output runs the launcher to its end, and returns its standard output.
func output(t testing.TB, dir string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0], args...)
	cmd.Dir, cmd.Env = dir, append(cleanEnv(), asLauncher+"=1")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("launcher %s: %v\n%s", strings.Join(args, " "), err, stderr.String())
	}
	return string(out)
}

// behindLighttpd starts lighttpd with what "launcher config --full" prints.
func (in *instance) behindLighttpd(workers int, args ...string) (url string) {
	in.t.Helper()
	port := freePort(in.t)
	args = append([]string{"config", "--full", "--port", strconv.Itoa(port), strconv.Itoa(workers)}, args...)
	return runLighttpd(in.t, in.root, port, output(in.t, in.root, args...))
}

// get asks for a page, and returns status and body.
func get(t testing.TB, url string) (int, string) {
	t.Helper()
	resp, err := client().Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("GET %s: %v", url, err)
	}
	return resp.StatusCode, string(body)
}

// client makes a connection for each request and follows no redirect.
func client() *http.Client {
	return &http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}
