//go:build linux

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"launcher/preforker/proc"
)

// Lines of the log.
const (
	lineAsked    = `msg="refork asked for" slot=(\d+) gen=1 .*pid=(\d+)`
	lineReforked = `msg="preloader was forked from a warm worker" gen=1 refork=(\d+) pid=(\d+)`
	lineArrived  = `msg="workers are forks of a warm worker now" gen=1 refork=(\d+)`
)

// reforking starts an application whose workers are reforked after so many requests.
func reforking(t *testing.T, root, after string, workers int, env ...string) *instance {
	t.Helper()
	return start(t, startOptions{root: root, env: env,
		args: []string{strconv.Itoa(workers), "--refork-after", after, "--seed-time", "0", "--log-level", "debug"}}).serving()
}

// countingApp responds with the number of requests that its process has served, and those before it that it is
// forked from. It calls what a test gives it for a path.
func countingApp(t *testing.T, actions string) string {
	return writeApp(t, map[string]string{"config.ru": fmt.Sprintf(`
		at_exit { File.open(File.join(%q, "bye"), "a") { |file| file.syswrite("#{Process.pid}\n") } }
		served = 0
		actions = {%s}
		run(lambda { |env|
		  served += 1
		  actions[env["PATH_INFO"]]&.call
		  [200, {}, [served.to_s]]
		})`, t.TempDir(), actions)})
}

// bye are the processes in which the exit handlers of a countingApp ran.
func bye(t *testing.T, root string) []string {
	t.Helper()
	config, err := os.ReadFile(filepath.Join(root, "config.ru"))
	if err != nil {
		t.Fatal(err)
	}
	dir := regexp.MustCompile(`File\.join\("([^"]+)"`).FindSubmatch(config)[1]
	text, _ := os.ReadFile(filepath.Join(string(dir), "bye"))
	return strings.Fields(string(text))
}

// warm has a slot's worker serve requests.
func (in *instance) warm(slot, requests int) {
	in.t.Helper()
	for range requests {
		if a := ask(in.t, in.socket(slot), "/"); a.err != nil || a.status != 200 {
			in.t.Fatalf("%v", a)
		}
	}
}

// tried warms slot 0 until it has the first worker of a refork, which has served nothing, and returns the
// pid of that preloader.
func (in *instance) tried(requests int) (preloader int) {
	in.t.Helper()
	in.warm(0, requests)
	preloader, _ = strconv.Atoi(in.waitLine(lineReforked)[2])
	in.waitLine(`msg="worker is ready" slot=0 gen=1 refork=1`)
	in.forks(0, "gen=1 refork=1")
	return preloader
}

// forks waits until a slot's only worker is idle and a fork of that preloader.
func (in *instance) forks(slot int, origin string) {
	in.t.Helper()
	title := fmt.Sprintf("launcher worker slot=%d ", slot)
	in.waitFor(title+origin, func() bool {
		found := in.titled(title)
		return len(found) == 1 && found[0].title == title+origin+" idle"
	})
}

// all waits until there is one preloader, and all workers are forks of it.
func (in *instance) all(origin string, workers int) {
	in.t.Helper()
	for slot := range workers {
		in.forks(slot, origin)
	}
	in.waitFor("one preloader of "+origin, func() bool {
		found := in.titled("launcher preloader ")
		return len(found) == 1 && strings.HasPrefix(found[0].title, "launcher preloader "+origin+" /")
	})
}

// zombies are dead children of the launcher that it has not reaped.
func (in *instance) zombies() (found []int) {
	processes, err := proc.Processes()
	if err != nil {
		in.t.Fatal(err)
	}
	for _, p := range processes.Descendants(in.cmd.Process.Pid) {
		if p.Zombie() {
			found = append(found, p.Pid)
		}
	}
	return found
}

// quiet checks that nothing went wrong, and that everything ends.
func (in *instance) quiet() {
	in.t.Helper()
	if n := in.count("worker died|refork failed|given up|level=ERROR"); n != 0 {
		in.t.Errorf("%d lines of trouble", n)
	}
	in.waitFor("zombies to be reaped", func() bool { return len(in.zombies()) == 0 })
	in.signal(syscall.SIGTERM)
	if status := in.wait(); status != exitOK {
		in.t.Errorf("exit status %d", status)
	}
	if found := in.processes(); len(found) != 0 {
		in.t.Errorf("it left %+v", found)
	}
}
