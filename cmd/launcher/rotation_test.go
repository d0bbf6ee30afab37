//go:build linux

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// logger is an application with a log of its own, which boot opens, and each worker knows.
const logger = `
require "logger"
LOG = Logger.new(File.join(__dir__, "app.log"))
run(lambda do |env|
  path = env["PATH_INFO"]
  LOG.info("#{path} begins by #{Process.pid}")
  if path == "/wait"
    File.write("began", "")
    sleep 0.01 until File.exist?("go")
  end
  puts "printed for #{path}"
  LOG.info("#{path} ends by #{Process.pid}")
  [200, {}, ["ok"]]
end)
`

func read(t testing.TB, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return string(text)
}

func rename(t testing.TB, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}

// TestLogsAreRotated: the launcher's log and the application's, in idle workers at once, in a busy one after its request, and in
// those that are forked later.
func TestLogsAreRotated(t *testing.T) {
	t.Parallel()
	for method, reopen := range map[string]func(in *instance){
		"smart": func(in *instance) {
			asked := askLauncher(t, startOptions{root: in.root, args: []string{"reopen"}}, nil)
			if asked.exit != 0 {
				t.Errorf("launcher reopen: %+v", asked)
			}
		},
		"direct": func(in *instance) { in.signal(syscall.SIGUSR1) },
	} {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			root := writeApp(t, map[string]string{"config.ru": logger})
			log, app := filepath.Join(root, "launcher.log"), filepath.Join(root, "app.log")
			in := start(t, startOptions{root: root, args: []string{"2", "--log-file", "launcher.log", "--spawn-method", method}})
			in.waitFor("the workers", func() bool { return strings.Contains(read(t, log), "2 workers are ready") })
			answers := make(chan answer, 1)
			go func() { answers <- ask(t, in.socket(0), "/wait") }()
			in.waitFor("the request", func() bool { _, err := os.Stat(filepath.Join(root, "began")); return err == nil })
			rename(t, log, log+".1")
			rename(t, app, app+".1")
			reopen(in)
			in.waitFor("the new log", func() bool { return strings.Contains(read(t, log), "logs are opened anew") })
			idle := in.worker(1)
			in.waitFor("the idle worker", func() bool {
				ask(t, in.socket(1), "/idle")
				return strings.Contains(read(t, app), fmt.Sprintf("/idle ends by %d\n", idle))
			})
			write(t, filepath.Join(root, "go"), "")
			if a := <-answers; a.status != 200 {
				t.Errorf("%v", a)
			}
			busy := in.worker(0)
			contains(t, "the older log", read(t, app+".1"), fmt.Sprintf("/wait ends by %d\n", busy))
			in.waitFor("the busy worker", func() bool {
				ask(t, in.socket(0), "/later")
				return strings.Contains(read(t, app), fmt.Sprintf("/later ends by %d\n", busy))
			})
			if err := syscall.Kill(busy, syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			in.waitFor("its successor", func() bool { return strings.Contains(read(t, log), `msg="worker is ready" slot=0 `) })
			if a := ask(t, in.socket(0), "/after"); a.status != 200 {
				t.Errorf("%v", a)
			}
			contains(t, "the new log", read(t, app), "/after ends by ")
			in.waitFor("what is printed", func() bool {
				return strings.Contains(read(t, log), `msg="printed for /after" printed_by=worker slot=0 `)
			})
			if old := read(t, log+".1"); strings.Contains(old, "/after") || !strings.Contains(old, "2 workers are ready") {
				t.Errorf("the older log is\n%s", old)
			}
			in.signal(syscall.SIGTERM)
			in.gone(0)
			if text := in.log(); text != "" {
				t.Errorf("standard error has\n%s", text)
			}
		})
	}
}

// TestLogOnAFullDisk: nobody stops for it, and the log says what is missing once there is room again.
func TestLogOnAFullDisk(t *testing.T) {
	t.Parallel()
	root := writeApp(t, map[string]string{"config.ru": logger})
	in := start(t, startOptions{root: root, args: []string{"1", "--log-file", "/dev/full"}})
	in.waitFor("the socket", func() bool { return listens(in.socket(0)) })
	for range 50 {
		if a := ask(t, in.socket(0), "/"); a.status != 200 {
			t.Fatalf("%v", a)
		}
	}
	in.signal(syscall.SIGTERM)
	in.gone(0)
}
