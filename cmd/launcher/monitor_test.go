//go:build linux

package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"launcher/preforker/control"
)

// hungApp is loaded when there is a file "gate", and serves /hang when there is one of that name.
func hungApp(t *testing.T) string {
	return writeApp(t, map[string]string{"config.ru": `
wait = lambda { |name| sleep(0.02) until File.exist?(File.join(__dir__, name)) }
wait.call("gate")
run(lambda do |env|
  wait.call("hang") if env["PATH_INFO"] == "/hang"
  [200, {}, [env["PATH_INFO"]]]
end)
`})
}

// monitored is the address at which a launcher tells of itself.
func (in *instance) monitored() string {
	in.t.Helper()
	return "http://" + in.waitLine(`metrics are told.* url=http://([^/]+)/metrics`)[1]
}

// probe is the status of a probe, and what it says.
func (in *instance) probe(address, path string) string {
	in.t.Helper()
	got := fetch(client(), http.MethodGet, address+path, nil)
	if got.err != nil {
		in.t.Fatal(got.err)
	}
	return fmt.Sprintf("%d %s", got.StatusCode, strings.TrimSpace(got.body))
}

// askControl gets a path at the control socket, as curl --unix-socket does.
func (in *instance) askControl(path string) page {
	in.t.Helper()
	client := &http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", filepath.Join(in.root, "log", control.SocketName))
		}}}
	return fetch(client, http.MethodGet, "http://launcher"+path, nil)
}

// TestProbes through the life of a launcher: it loads, serves, has all workers stuck, restarts and stops. It is healthy all the time.
func TestProbes(t *testing.T) {
	t.Parallel()
	root := hungApp(t)
	in := start(t, startOptions{root: root, args: []string{"2", "--metrics", "127.0.0.1:0"}})
	address := in.monitored()
	tells := func(ready string, healthy string) {
		t.Helper()
		for _, probe := range []struct{ path, want string }{{"/readyz", ready}, {"/healthz", `200 {"healthy":true,"state":"` + healthy + `"}`}} {
			if got := in.probe(address, probe.path); got != probe.want {
				t.Errorf("%s: %s, not %s", probe.path, got, probe.want)
			}
			socket := in.askControl(probe.path)
			if status, body, _ := strings.Cut(probe.want, " "); socket.err != nil || strconv.Itoa(socket.StatusCode) != status || strings.TrimSpace(socket.body) != body {
				t.Errorf("%s at the control socket: %+v", probe.path, socket)
			}
		}
	}
	tells(`503 {"ready":false,"state":"loading","reason":"loading","slots":2,"served":0}`, "loading")
	write(t, filepath.Join(root, "gate"), "")
	in.serving()
	const ready = `200 {"ready":true,"state":"running","slots":2,"served":2}`
	tells(ready, "running")
	var hung []*queued
	for slot := range 2 {
		hung = append(hung, queue(t, in.socket(slot), "/hang"))
		in.doing(slot, "GET /hang")
	}
	tells(ready, "running")

	// A probe each millisecond sees a worker at any time of a rolling restart.
	ended, seen := make(chan struct{}), make(chan []string)
	go func() {
		var other []string
		for {
			if got := fetch(client(), http.MethodGet, address+"/readyz", nil); got.err != nil || got.StatusCode != http.StatusOK && strings.Contains(got.body, `"ready":false`) {
				other = append(other, fmt.Sprintf("%v %s", got.err, got.body))
			}
			select {
			case <-ended:
				seen <- other
				return
			case <-time.After(time.Millisecond):
			}
		}
	}()
	write(t, filepath.Join(root, "hang"), "")
	in.restart().restarted(t, `generation 2 serves (2 slots|all slots)`)
	close(ended)
	if other := <-seen; len(other) > 0 {
		t.Errorf("in a restart: %q", other)
	}
	for _, got := range hung {
		if a := got.answer(); !a.is("/hang") {
			t.Error(a)
		}
	}

	if err := os.Remove(filepath.Join(root, "hang")); err != nil {
		t.Fatal(err)
	}
	last := queue(t, in.socket(0), "/hang")
	in.waitFor("the last request", func() bool { return len(in.titled("launcher worker slot=0 gen=2 GET /hang")) > 0 })
	in.signal(syscall.SIGTERM)
	in.waitLine("msg=stopping signal=TERM")
	got := in.probe(address, "/readyz")
	if !strings.HasPrefix(got, `503 {"ready":false,"state":"stopping","reason":"stopping","slots":2,`) {
		t.Error(got)
	}
	if got := in.probe(address, "/healthz"); got != `200 {"healthy":true,"state":"stopping"}` {
		t.Error(got)
	}
	write(t, filepath.Join(root, "hang"), "")
	if a := last.answer(); !a.is("/hang") {
		t.Error(a)
	}
	if status := in.wait(); status != exitOK {
		t.Error(status)
	}
}

// TestProbesOfAFailedApplication: workers that die as they come up serve nobody, and the supervisor is healthy.
func TestProbesOfAFailedApplication(t *testing.T) {
	t.Parallel()
	in := start(t, startOptions{root: copyApp(t, "broken_fork_hook"), args: []string{"1", "--metrics", "127.0.0.1:0"}})
	address := in.monitored()
	in.waitFor("readiness to fail", func() bool {
		return in.probe(address, "/readyz") == `503 {"ready":false,"state":"running","reason":"failing","slots":1,"served":0}`
	})
	if got := in.probe(address, "/healthz"); got != `200 {"healthy":true,"state":"running"}` {
		t.Error(got)
	}
}

// TestMetricsAddressIsKept at USR2: a scrape that comes meanwhile waits for the launcher that follows.
func TestMetricsAddressIsKept(t *testing.T) {
	t.Parallel()
	address := "127.0.0.1:" + strconv.Itoa(freePorts(t, 1))
	// A program that is the launcher each time: this one would be a test without its variable.
	program := filepath.Join(t.TempDir(), "launcher")
	write(t, program, "#!/bin/bash\n"+asLauncher+`=1 exec -a "$0" `+os.Args[0]+` "$@"`)
	if err := os.Chmod(program, 0o755); err != nil {
		t.Fatal(err)
	}
	in := start(t, startOptions{root: copyApp(t, "hello"), program: program, args: []string{"1", "--metrics", address}}).serving()
	ended, failed := make(chan struct{}), make(chan error)
	go func() {
		for {
			if got := fetch(client(), http.MethodGet, "http://"+address+"/healthz", nil); got.err != nil {
				failed <- got.err
				return
			}
			select {
			case <-ended:
				failed <- nil
				return
			case <-time.After(time.Millisecond):
			}
		}
	}()
	in.signal(syscall.SIGUSR2)
	in.waitLines(`^1 worker is ready`, 2)
	close(ended)
	if err := <-failed; err != nil {
		t.Error(err)
	}
	if got := fetch(client(), http.MethodGet, "http://"+address+"/metrics", nil).expect(t, 200); !strings.Contains(got.body, "\nlauncher_ready 1\n") {
		t.Error(got.body)
	}
}
