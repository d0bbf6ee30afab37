//go:build linux

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// TestExitHandlers run once: those of boot with their generation, those of hooks and requests with their worker, also where one
// replaces another, and where one takes too long.
func TestExitHandlers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	root := writeApp(t, map[string]string{
		"config.ru": fmt.Sprintf(`
			NOTE = ->(who) { File.open(%q, "a") { |file| file.syswrite("#{who} #{Process.pid}\n") } }
			at_exit { NOTE.call("boot") }
			actions = { "/hang" => -> { at_exit { sleep } }, "/register" => -> { at_exit { NOTE.call("request") } } }
			run(lambda { |env|
			  actions[env["PATH_INFO"]]&.call
			  [200, {}, [Process.pid.to_s]]
			})`, filepath.Join(dir, "notes")),
		"config/launcher.rb": `after_fork { |slot| at_exit { NOTE.call("hook") } }`,
	})
	in := start(t, startOptions{root: root, args: []string{"2", "--refork-after", "never", "--drain-timeout", "1s"}}).serving()
	var want []string
	for pid := range in.early() {
		want = append(want, fmt.Sprintf("hook %d", pid))
	}
	register := func(slot int) {
		t.Helper()
		if a := ask(t, in.socket(slot), "/register"); a.status != 200 {
			t.Fatal(a)
		}
		want = append(want, fmt.Sprintf("request %d", in.worker(slot)), fmt.Sprintf("hook %d", in.worker(slot)))
	}
	register(0)
	register(1)
	want = append(want, fmt.Sprintf("boot %d", in.pid("preloader gen=1")))
	in.signal(syscall.SIGHUP)
	in.waitLine(`msg="preloader retired" gen=1`)
	in.rolled(1, 2, 2)
	// Somebody ends a worker whose handler hangs: its slot is served meanwhile.
	old := in.worker(0)
	register(0)
	if a := ask(t, in.socket(0), "/hang"); a.status != 200 {
		t.Fatal(a)
	}
	if err := syscall.Kill(old, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	in.waitLine(fmt.Sprintf(`msg="worker leaves by itself" slot=0 gen=2 pid=%d`, old))
	want = want[:len(want)-2] // those that come after the one that hangs
	if a := ask(t, in.socket(0), "/"); a.status != 200 || a.is(fmt.Sprint(old)) {
		t.Error(a)
	}
	in.waitLine(fmt.Sprintf(`msg="worker died" slot=0 gen=2 pid=%d`, old))
	want = append(want, fmt.Sprintf("hook %d", in.worker(0)), fmt.Sprintf("hook %d", in.worker(1)), fmt.Sprintf("boot %d", in.pid("preloader gen=2")))
	in.signal(syscall.SIGTERM)
	if status := in.wait(); status != exitOK {
		t.Errorf("exit status %d", status)
	}
	text, err := os.ReadFile(filepath.Join(dir, "notes"))
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Split(strings.TrimSpace(string(text)), "\n")
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("handlers ran as\n%q\nwant\n%q", got, want)
	}
}

// pid is that of the only process of a title. The process between a preloader and a new worker has the preloader's for a
// moment, also when the worker is ready.
func (in *instance) pid(title string) int {
	in.t.Helper()
	var found []process
	in.waitFor("one process "+title, func() bool {
		found = in.titled("launcher " + title)
		return len(found) == 1
	})
	if len(found) != 1 {
		in.t.Fatalf("%d of %s: %+v", len(found), title, in.processes())
	}
	return found[0].pid
}
