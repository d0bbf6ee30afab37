//go:build linux

package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"launcher/preforker/control"
)

// asked is what "launcher status" has answered.
type asked struct {
	stdout, stderr string
	exit           int
}

// askStatus runs it in a folder, with standard output as given where it is.
func askStatus(t testing.TB, o startOptions, stdout *os.File) asked {
	t.Helper()
	o.args = append([]string{"status"}, o.args...)
	return askLauncher(t, o, stdout)
}

// askLauncher runs a command that asks a running launcher, to its end.
func askLauncher(t testing.TB, o startOptions, stdout *os.File) asked {
	t.Helper()
	cmd := exec.Command(cmp.Or(o.program, os.Args[0]), o.args...)
	cmd.Dir, cmd.Env, cmd.SysProcAttr = o.root, append(append(cleanEnv(), asLauncher+"=1"), o.env...), o.attr
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if stdout != nil {
		cmd.Stdout = stdout
	}
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return asked{out.String(), errs.String(), cmd.ProcessState.ExitCode()}
}

// status is the JSON of a launcher, which must not have said anything besides.
func (in *instance) status() control.Status {
	in.t.Helper()
	a := askStatus(in.t, startOptions{root: in.root, args: []string{"--json"}}, nil)
	var status control.Status
	decoder := json.NewDecoder(strings.NewReader(a.stdout))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&status); err != nil || a.exit != exitOK || a.stderr != "" {
		in.t.Fatalf("%v: %+v", err, a)
	}
	if status.Pid != in.cmd.Process.Pid || status.Root != in.root || status.SocketDir != filepath.Join(in.root, "log") {
		in.t.Errorf("it is of another launcher: %+v", status)
	}
	return status
}

// statusWhen asks until the answer is as wanted.
func (in *instance) statusWhen(what string, wanted func(control.Status) bool) (status control.Status) {
	in.t.Helper()
	in.waitFor(what, func() bool {
		status = in.status()
		return wanted(status)
	})
	return status
}

// allMeasured says whether the memory of all is in it.
func allMeasured(s control.Status) bool { return s.Memory.Measured == s.Memory.Processes }

// doingIn is what the only worker of each slot does: "idle", "busy GET /".
func doingIn(s control.Status) (doing []string) {
	for _, slot := range s.Slots {
		text := slot.State
		for _, w := range slot.Workers {
			text = w.State
			if w.Request != nil {
				text += " " + w.Request.Method + " " + w.Request.Path
			}
		}
		doing = append(doing, text)
	}
	return doing
}

// TestStatus compares what is told with what /proc, the log and the requests say.
func TestStatus(t *testing.T) {
	t.Parallel()
	in := start(t, startOptions{root: copyApp(t, "hello"), args: []string{"3", "--max-private", "24MB", "--spare", "0"}}).serving()
	bound := in.waitLine(`msg="memory at most: .* preloader="(\d+) MB" workers=3 each="24 MB" launcher="(\d+) MB" total="(\d+) MB"`)
	for range 4 {
		ask(t, in.socket(1), "/")
	}
	status := in.statusWhen("four requests to be served", func(s control.Status) bool {
		return s.Slots[1].Workers[0].Served == 4 && allMeasured(s)
	})
	if status.Launcher == "" {
		t.Error("it does not say its version")
	}
	if got := strings.Join(doingIn(status), ", "); status.State != "running" || status.SpawnMethod != "smart" || got != "idle, idle, idle" {
		t.Errorf("it is %s, %s, with %s", status.State, status.SpawnMethod, got)
	}
	g := status.Generations[0]
	if len(status.Generations) != 1 || len(g.Preloaders) != 1 {
		t.Fatalf("generations %+v", status.Generations)
	}
	preloader := g.Preloaders[0]
	if g.Generation != 1 || preloader.Refork != 0 || preloader.State != "ready" || preloader.Pid != in.preloader() || g.Loaded == nil ||
		g.Loaded.Before(status.Started) || status.Time.Before(*g.Loaded) || !strings.Contains(g.Ruby, ".") || status.FailedLoad != nil {
		t.Errorf("generations %+v", status.Generations)
	}
	pids := []int{status.Pid, preloader.Pid}
	for number, slot := range status.Slots {
		w := slot.Workers[0]
		if slot.Slot != number || slot.Socket != in.socket(number) || !slot.Open || slot.Queue == nil || *slot.Queue != 0 ||
			len(slot.Workers) != 1 || w.Pid != in.worker(number) || w.Generation != 1 || w.Request != nil || w.Seconds < 0 || w.Seconds > patience.Seconds() {
			t.Errorf("%+v", slot)
		}
		if m := w.Memory; m == nil || m.Private == 0 || m.Shared != m.RSS-m.Private || m.PSS < m.Private || m.PSS > m.RSS {
			t.Errorf("slot %d: %+v", number, m)
		}
		pids = append(pids, w.Pid)
	}
	in.memoryIs(pids)

	p := status.Memory.Bound
	if p == nil || p.Workers != 3 || p.Each != 24<<20 || p.Provisional || p.Total != p.Preloader+3*p.Each+p.Launcher || status.Memory.PSS > p.Total {
		t.Fatalf("bound %+v, measured %d", p, status.Memory.PSS)
	}
	for i, bytes := range []uint64{p.Preloader, p.Launcher, p.Total} {
		if want, _ := strconv.ParseUint(bound[i+1], 10, 64); (bytes+1<<19)>>20 != want {
			t.Errorf("%d bytes, logged was %s MB", bytes, bound[i+1])
		}
	}
	in.signal(syscall.SIGTERM)
	in.gone(0)
}

// memoryIs compares a sum with that of another program, within a tenth. Others run the same files meanwhile, which changes
// everybody's share of them between one reading and the next.
func (in *instance) memoryIs(pids []int) {
	in.t.Helper()
	args := []string{`/^Pss:/ { sum += $2 } END { print sum * 1024 }`}
	for _, pid := range pids {
		args = append(args, fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	}
	var sum, want uint64
	in.waitFor("the same sum as awk's", func() bool {
		status := in.status()
		out, err := exec.Command("awk", args...).Output()
		var err2 error
		sum = status.Memory.PSS
		want, err2 = strconv.ParseUint(strings.TrimSpace(string(out)), 10, 64)
		if err := errors.Join(err, err2); err != nil || status.Memory.Processes != len(pids) {
			in.t.Fatalf("memory of %d processes, want %d; %v", status.Memory.Processes, len(pids), err)
		}
		return sum >= want-want/10 && sum <= want+want/10
	})
	if in.t.Failed() {
		in.t.Logf("the sum is %d bytes, awk says %d", sum, want)
	}
}

// TestStatusWhenAllAreBusy: each worker has a request in hand, others wait, and then all of Ruby is frozen.
func TestStatusWhenAllAreBusy(t *testing.T) {
	t.Parallel()
	in, gate, requests := hanging(t, 3, startOptions{})
	requests = append(requests, queue(t, in.socket(1), "/hang?gate=go&secret=1"))
	in.doing(1, "GET /hang")
	status := in.status()
	if got := strings.Join(doingIn(status), ", "); got != "busy GET /hang, busy GET /hang" {
		t.Errorf("the workers are %s", got)
	}
	if a, b := status.Slots[0].Queue, status.Slots[1].Queue; a == nil || b == nil || *a != 3 || *b != 0 {
		t.Errorf("queues of %v and %v", a, b)
	}
	var pids []int
	for _, slot := range status.Slots {
		pids = append(pids, slot.Workers[0].Pid)
	}
	for _, pid := range append(pids, in.preloader()) {
		freeze(t, pid)
	}
	began := time.Now()
	frozen := in.status()
	t.Logf("with everybody frozen it took %v", time.Since(began))
	if a, b := status.Slots[1].Workers[0].Request, frozen.Slots[1].Workers[0].Request; a == nil || b == nil || b.Seconds <= a.Seconds || b.Path != "/hang" {
		t.Errorf("the request is %+v, then %+v", a, b)
	}
	for _, pid := range append(pids, in.preloader()) {
		kill(t, pid, syscall.SIGCONT)
	}

	// It responds until the last worker has left.
	in.signal(syscall.SIGTERM)
	in.waitLine("msg=stopping")
	stopping := in.status()
	if got := strings.Join(doingIn(stopping), ", "); stopping.State != "stopping" || got != "draining GET /hang, draining GET /hang" {
		t.Errorf("it is %s, with %s", stopping.State, got)
	}
	openGate(t, gate, "go")
	for i, q := range requests {
		if a := q.answer(); a.status != 200 {
			t.Errorf("request %d: %v", i, a)
		}
	}
	in.gone(0)
}

// TestStatusWhileLoading: nobody serves yet, and connections wait.
func TestStatusWhileLoading(t *testing.T) {
	t.Parallel()
	in := start(t, startOptions{root: copyApp(t, "broken_hang"), args: []string{"2"}})
	in.waitLine("asking the settings server")
	queue(t, in.socket(1), "/")
	status := in.statusWhen("the memory", allMeasured)
	if got := strings.Join(doingIn(status), ", "); status.State != "loading" || got != "vacant, vacant" || *status.Slots[1].Queue != 1 {
		t.Errorf("%+v", status)
	}
	g := status.Generations[0]
	if p := g.Preloaders[0]; p.State != "loading" || p.Pid == 0 || p.Memory == nil || g.Loaded != nil || status.Memory.Bound != nil {
		t.Errorf("%+v", g)
	}
}

// TestStatusOfCollections: garbage is collected between requests, within an eighth of their time, but for what the last
// collection has cost beyond its credit.
func TestStatusOfCollections(t *testing.T) {
	t.Parallel()
	const perRequest = "run ->(_env) { [200, {}, [Array.new(20_000) { |n| n.to_s }.join]] }\n"
	in := start(t, startOptions{root: writeApp(t, map[string]string{"config.ru": perRequest}), args: []string{"1", "--refork-after", "never"}}).serving()
	var status control.Status
	in.waitFor("collections", func() bool {
		for range 20 {
			ask(t, in.socket(0), "/")
		}
		status = in.status()
		c := status.Collections
		return c != nil && c.Seconds > 0 && c.Requests > 0.3
	})
	of := status.Slots[0].Workers[0].Collections
	if of == nil || *of != *status.Collections || of.Share != of.Seconds/of.Requests || of.Seconds > of.Requests/8+0.1 {
		t.Errorf("of the worker %+v, of all %+v", of, status.Collections)
	}
	text := askStatus(t, startOptions{root: in.root}, nil).stdout
	if !regexp.MustCompile(`\ncollections   \d+\.\d % of the CPU time of the requests, between them\n`).MatchString(text) {
		t.Errorf("no share in\n%s", text)
	}
}

// TestStatusOfARefork: the preloader is the one that a worker became, and the workers are its forks.
func TestStatusOfARefork(t *testing.T) {
	t.Parallel()
	in := start(t, startOptions{root: copyApp(t, "hello"), args: []string{"2", "--refork-after", "3", "--seed-time", "0"}}).serving()
	clients := visit(2, "/", in.sockets(2)...)
	status := in.statusWhen("forks of a warm worker alone", func(s control.Status) bool {
		g := s.Generations[0]
		if len(g.Preloaders) != 1 || g.Preloaders[0].Refork == 0 || g.Preloaders[0].Pid == 0 || !allMeasured(s) {
			return false
		}
		for _, slot := range s.Slots {
			if len(slot.Workers) != 1 || slot.Workers[0].Refork != g.Preloaders[0].Refork {
				return false
			}
		}
		return true
	})
	clients.end(t, 0)
	if g := status.Generations[0]; len(status.Generations) != 1 || g.Generation != 1 || g.Loaded == nil || g.Ruby == "" ||
		g.Preloaders[0].Pid != in.preloader() || g.Preloaders[0].Memory == nil {
		t.Errorf("%+v", status.Generations)
	}
	text := askStatus(t, startOptions{root: in.root}, nil).stdout
	for _, pattern := range []string{`\n  preloader   refork 1, ready, pid \d+: `, `\n   1  fastcgi.socket-1 +\d+  1\.1  (idle|busy) `} {
		if !regexp.MustCompile(pattern).MatchString(text) {
			t.Errorf("there is no %q in\n%s", pattern, text)
		}
	}
}

// TestStatusWithoutAPreloader, and with a release that does not load.
func TestStatusWithoutAPreloader(t *testing.T) {
	t.Parallel()
	root := versionedApp(t)
	in := direct(t, root, "2").serving()
	status := in.statusWhen("the memory", allMeasured)
	g := status.Generations[0]
	if p := g.Preloaders[0]; p.State != "ready" || p.Pid != 0 || p.Memory != nil || g.Loaded == nil ||
		strings.Join(doingIn(status), ", ") != "idle, idle" || status.SpawnMethod != "direct" || status.Memory.Bound != nil {
		t.Errorf("%+v", status)
	}
	in.memoryIs([]int{status.Pid, in.worker(0), in.worker(1)})

	write(t, filepath.Join(root, "config.ru"), "raise IndexError, 'no such thing'\n")
	in.signal(syscall.SIGHUP)
	in.waitLine("generation failed to load")
	failed := in.status().FailedLoad
	if failed == nil || failed.Generation != 2 || failed.Error != "load the application: IndexError: no such thing" || failed.Time.Before(status.Time) {
		t.Errorf("%+v", failed)
	}
	text := askStatus(t, startOptions{root: in.root}, nil).stdout
	for _, pattern := range []string{`spawn method direct, pid \d+: `, `\ngeneration 2  failed to load, .* IndexError: no such thing\n`} {
		if !regexp.MustCompile(pattern).MatchString(text) || strings.Contains(text, "preloader") {
			t.Errorf("there is no %q in\n%s", pattern, text)
		}
	}
}

// TestStatusForPeople on a terminal and elsewhere. Whoever sends a request must not write to the terminal.
func TestStatusForPeople(t *testing.T) {
	t.Parallel()
	gate := t.TempDir()
	in := start(t, startOptions{root: writeApp(t, map[string]string{"config.ru": fmt.Sprintf(`
		run ->(_env) do
		  sleep 0.01 until File.exist?("%s/go")
		  [200, {}, ["let go"]]
		end`, gate)}), args: []string{"2", "--max-private", "off"}}).serving()
	waiting := queue(t, in.socket(0), "/hang/\x1b[31m"+strings.Repeat("/very", 60))
	in.statusWhen("a request in hand", func(s control.Status) bool { return s.Slots[0].Workers[0].Request != nil && allMeasured(s) })
	a := askStatus(t, startOptions{root: "/", args: []string{"--root", in.root}}, nil)
	for _, pattern := range []string{`^application   ` + in.root + `, sockets in ` + in.root + `/log\n`,
		`\nlauncher      running, started \d{4}-.* ago\), pid \d+: \d+\.\d MB private, \d+\.\d MB shared\n`,
		`\ngeneration 1  loaded \d{4}-.* in \d[\d.]* s, Ruby \d.*, Rack \d.*\n  preloader   ready, pid \d+: .*\nrequests      0 served, 0 failed\nworkers       2 of 2 ready, busy: 1 \(max \d\), connections that wait: 0 \(max \d\)\n(  restarts    .*\n)?memory        \d+\.\d MB, the sum of PSS of 4 processes(\n  limit       .*)?\nlimits        drain-timeout 30s\n\nSLOT `,
		`\nSLOT  SOCKET +PID  GEN  STATE +FOR  REQUEST +LAST  SERVED  PRIVATE  SHARED  QUEUE\n`,
		`\n   0  fastcgi.socket-0 +\d+ +1  busy  +\d+.* s  GET /hang/\x{fffd}\[31m/very/very.*…  +– +0 +\d+\.\d +\d+\.\d +0\n`,
		`\n   1  fastcgi.socket-1 +\d+ +1  idle  +\d+.* s  +– +0 +\d+\.\d +\d+\.\d +0\n$`} {
		if a.exit != exitOK || a.stderr != "" || !regexp.MustCompile(pattern).MatchString(a.stdout) {
			t.Errorf("there is no %q in %+v\n%s", pattern, a, a.stdout)
		}
	}
	tty, slave := openTerminal(t)
	askStatus(t, startOptions{root: in.root}, slave)
	_ = slave.Close()
	tty.read.Wait()
	screen := tty.text()
	if !strings.Contains(screen, "GET /hang/") || strings.Contains(screen, "\x1b") {
		t.Errorf("the terminal has\n%q", screen)
	}
	for line := range strings.Lines(screen[strings.Index(screen, "SLOT"):]) {
		if n := len([]rune(strings.TrimRight(line, "\r\n"))); n > 120 {
			t.Errorf("a row of the table has %d columns: %q", n, line)
		}
	}
	openGate(t, gate, "go")
	if a := waiting.answer(); !a.is("let go") {
		t.Errorf("%v", a)
	}
}
