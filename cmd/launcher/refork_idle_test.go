//go:build linux

package main

import (
	"path/filepath"
	"strings"
	"testing"

	"launcher/preforker/control"
)

// idleApp responds to visitors, who ask for /visitor. It notes each other request in the file asked, and responds with the status in the
// file status.
func idleApp(t *testing.T) string {
	return writeApp(t, map[string]string{"status": "200", "asked": "", "config.ru": `
run(lambda { |env|
  next [200, {}, ["served by #{Process.pid}"]] if env["PATH_INFO"] == "/visitor"
  File.write(File.join(__dir__, "asked"), "#{env["PATH_INFO"]} #{env["HTTP_USER_AGENT"]}\n", mode: "a")
  [File.read(File.join(__dir__, "status")).to_i, {}, []]
})
`})
}

// startIdle starts an idleApp that is reforked where somebody asks for it.
func startIdle(t *testing.T, root string, args ...string) *instance {
	t.Helper()
	return start(t, startOptions{root: root, args: append([]string{"2"}, args...), env: []string{"LAUNCHER_REFORK_AFTER=1000000", "LAUNCHER_SEED_TIME=0"}}).serving()
}

// reforkIdle asks for a refork until a worker is known to have served, and waits for its end.
func (in *instance) reforkIdle() (told asked) {
	in.t.Helper()
	in.waitFor("a refork", func() bool {
		if a := ask(in.t, in.socket(0), "/visitor"); a.err != nil || a.status != 200 {
			in.t.Errorf("%v", a)
		}
		told = in.ask("refork")
		return !strings.Contains(told.stderr, "ask again")
	})
	return told
}

// TestReforkOfAnIdleSite comes to its end: the first fork has answered a request of the launcher's own.
func TestReforkOfAnIdleSite(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		args []string
		want string
	}{
		"no path":   {nil, "/ launcher probe\n"},
		"a path":    {[]string{"--probe", "/health"}, "/health launcher probe\n"},
		"off":       {[]string{"--probe", "off"}, ""},
		"with HTTP": {[]string{"--http", "127.0.0.1:0"}, "/ launcher probe\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			root := idleApp(t)
			in := startIdle(t, root, test.args...)
			in.reforkIdle().says(t, exitOK, "the other slots follow when slot ", "all slots have forks of refork 1 of generation 1")
			if asked := readFile(t, filepath.Join(root, "asked")); asked != test.want {
				t.Errorf("the application was asked for %q, want %q", asked, test.want)
			}
			in.all("gen=1 refork=1", 2)
			in.quiet()
		})
	}
}

// TestReforkWhoseOwnRequestFails is given up, and no slot was without a worker that answers.
func TestReforkWhoseOwnRequestFails(t *testing.T) {
	t.Parallel()
	root := idleApp(t)
	in := startIdle(t, root)
	write(t, filepath.Join(root, "status"), "500")
	visitors := visit(1, "/visitor", in.socket(1))
	in.reforkIdle().says(t, exitFailed, "refork: it is given up, and the slots have other workers", "GET / was answered with 500")
	visitors.end(t, 0)
	in.waitLine(`level=ERROR msg="worker has failed its probe, and serves nobody" slot=\d gen=1 refork=1 .*GET / was answered with 500`)
	in.waitLine(`level=WARN msg="refork is given up; the preloader before it serves on" gen=1 refork=1`)
	in.all("gen=1", 2)
	in.statusWhen("the reforked preloader to be gone", func(s control.Status) bool { return len(s.Generations[0].Preloaders) == 1 })
	for slot := range 2 {
		if a := ask(t, in.socket(slot), "/visitor"); a.err != nil || a.status != 200 {
			t.Errorf("slot %d: %v", slot, a)
		}
	}
	write(t, filepath.Join(root, "status"), "200")
	in.reforkIdle().says(t, exitOK, "all slots have forks of refork 2 of generation 1")
	if asked := readFile(t, filepath.Join(root, "asked")); strings.Count(asked, " launcher probe\n") != 2 {
		t.Errorf("%q", asked)
	}
	in.ask("stop").says(t, exitOK, "stopped after ")
	in.gone(0)
}
