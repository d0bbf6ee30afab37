//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"launcher/cmd/launcher/internal/migration"
	"launcher/preforker/examine"
)

// doctor runs the doctor and checks its exit status. It must leave nothing behind.
func doctor(t *testing.T, status int, o startOptions, args ...string) *instance {
	t.Helper()
	o.args = append([]string{"doctor"}, args...)
	in := start(t, o)
	if got := in.wait(); got != status {
		t.Errorf("exit status %d, want %d; standard output:\n%s", got, status, in.stdout.String())
	}
	if found := in.processes(); len(found) != 0 {
		t.Errorf("it left %+v", found)
	}
	return in
}

// diagnosis is the doctor's JSON, as a program would read it.
type diagnosis struct {
	Root        string            `json:"root"`
	Environment string            `json:"environment"`
	Ruby        string            `json:"ruby"`
	Rails       string            `json:"rails"`
	Rack        string            `json:"rack"`
	Seconds     float64           `json:"seconds"`
	Found       bool              `json:"found"`
	Findings    []examine.Finding `json:"findings"`
	Measured    examine.Measured  `json:"measured"`
	Migration   []migration.Plan  `json:"migration"`
}

// diagnosed runs the doctor and reads its JSON.
func diagnosed(t *testing.T, status int, o startOptions, args ...string) diagnosis {
	t.Helper()
	in := doctor(t, status, o, append(args, "--json")...)
	var d diagnosis
	decoder := json.NewDecoder(&in.stdout)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&d); err != nil {
		t.Fatalf("%v\n%s", err, in.stdout.String())
	}
	if decoder.More() {
		t.Error("more than one object")
	}
	if log := in.log(); log != "" {
		t.Errorf("standard error has %q", log)
	}
	for _, f := range d.Findings {
		if f.Kind == "check" {
			t.Errorf("a check failed: %+v", f)
		}
	}
	return d
}

// lines are the findings of a kind, each as "severity text | where".
func (d diagnosis) lines(kind string) (lines []string) {
	for _, f := range d.Findings {
		if f.Kind == kind {
			lines = append(lines, fmt.Sprintf("%s %s | %s", f.Severity, f.Text, f.Where))
		}
	}
	return lines
}

// found checks that there is one finding of a kind, like the pattern.
func (d diagnosis) found(t *testing.T, kind, pattern string) {
	t.Helper()
	if lines := d.lines(kind); len(lines) != 1 || !regexp.MustCompile(pattern).MatchString(lines[0]) {
		t.Errorf("%s: %q, want one like %q", kind, lines, pattern)
	}
}

func TestDoctorFindsNothing(t *testing.T) {
	t.Parallel()
	in := doctor(t, exitOK, startOptions{root: copyApp(t, "hello")})
	for _, pattern := range []string{
		`^/.*/hello \(production\) loaded in \d+\.\d s with Ruby \d`,
		`(?m)^memory  the process that forks has \d+\.\d MB; a fork has \d+\.\d MB of its own`,
		`(?m)^Nothing stands in the way of forking this application\.$`,
	} {
		if !regexp.MustCompile(pattern).MatchString(in.stdout.String()) {
			t.Errorf("no %q in\n%s", pattern, in.stdout.String())
		}
	}
	if strings.Contains(in.stdout.String(), "do  ") {
		t.Errorf("there is something to do:\n%s", in.stdout.String())
	}
}

// TestDoctorOfRails: what the launcher handles by itself is a note.
func TestDoctorOfRails(t *testing.T) {
	t.Parallel()
	d := diagnosed(t, exitOK, startOptions{root: copyApp(t, "blog"), env: []string{"BLOG_CONNECT_AT_BOOT=1"}})
	d.found(t, "database", `^note boot opened 1 database connections .* closes them`)
	if d.Found || d.Rails == "" || d.Environment != "production" || d.Seconds <= 0 {
		t.Errorf("%+v", d)
	}
	m := d.Measured
	if m.PSS < 20<<20 || m.ForkPrivate == 0 || m.ForkPrivate > m.PSS/4 || m.LiveSlots < 50_000 {
		t.Errorf("measured %+v", m)
	}
}

func TestDoctorNamesThreadsAndSockets(t *testing.T) {
	t.Parallel()
	o := startOptions{root: copyApp(t, "threads")}
	d := diagnosed(t, exitFound, o)
	d.found(t, "thread", `^harm .*: telemetry \| lib/telemetry\.rb:13$`)
	sockets := strings.Join(d.lines("socket"), "\n")
	for _, pattern := range []string{
		`harm .*: 127\.0\.0\.1:\d+ to nobody .*, held by Telemetry \| lib/telemetry\.rb:10`,
		`harm .*: 127\.0\.0\.1:\d+ to 127\.0\.0\.1:\d+, held by Telemetry \| lib/telemetry\.rb:11`,
		`(harm .*: unnamed unix socket to unnamed unix socket.*\| lib/telemetry\.rb:12\n?){2}`,
	} {
		if !regexp.MustCompile(pattern).MatchString(sockets) {
			t.Errorf("no %q in\n%s", pattern, sockets)
		}
	}
	if !d.Found || len(d.lines("socket")) != 4 {
		t.Errorf("found %v:\n%s", d.Found, sockets)
	}
	text := doctor(t, exitFound, o).stdout.String()
	contains(t, "the text", text, "breaks  thread: boot started a thread", "        where  lib/telemetry.rb:13\n",
		"        why    two workers that use it at once", "        do     connect again in after_fork", "found something to do")
}

// TestDoctorFindsCosts: files, loggers, the allocator, a lazy environment.
func TestDoctorFindsCosts(t *testing.T) {
	t.Parallel()
	root := writeApp(t, map[string]string{"config.ru": `
require "logger"
TRACE = File.open("trace.txt", "w")
PLAIN = Logger.new("plain.log")
SLOW = Logger.new(File.open("slow.log", "a"))
PIPED = Logger.new(IO.popen("cat > /dev/null", "w"))
run ->(_env) { [200, {}, []] }
`})
	d := diagnosed(t, exitFound, startOptions{root: root, env: []string{"MALLOC_ARENA_MAX=1"}})
	d.found(t, "file", `^harm .*: trace\.txt, held by TRACE \| config\.ru:3$`)
	d.found(t, "allocator", `^cost MALLOC_ARENA_MAX=1 `)
	if lines := strings.Join(d.lines("logger"), "\n"); strings.Count(lines, "cost ") != 2 ||
		!strings.Contains(lines, "in a buffer: slow.log") || !strings.Contains(lines, "a process that boot has started") {
		t.Errorf("loggers:\n%s", lines)
	}
	root = copyApp(t, "blog")
	write(t, filepath.Join(root, "config", "database.yml"), "staging:\n  adapter: sqlite3\n  database: db/production.sqlite3\n")
	write(t, filepath.Join(root, "config", "environments", "staging.rb"),
		"Rails.application.configure { config.autoload_paths << Rails.root.join('extra').to_s }\n")
	write(t, filepath.Join(root, "extra", "till.rb"), "class Till; end\n")
	d = diagnosed(t, exitFound, startOptions{root: root}, "-e", "staging")
	d.found(t, "database", `^harm the SQLite database db/production\.sqlite3 has no timeout \| config/database\.yml`)
	lazy := strings.Join(d.lines("lazy"), "\n")
	for _, pattern := range []string{`cost config\.eager_load is \w+ in the environment staging; the launcher has loaded \d+ more files`,
		`cost code is loaded again when it has changed`, `cost 1 files are loaded by whoever needs them first, below extra \|`} {
		if !regexp.MustCompile(pattern).MatchString(lazy) {
			t.Errorf("no %q in\n%s", pattern, lazy)
		}
	}
}

func TestDoctorRunsTheHooks(t *testing.T) {
	t.Parallel()
	d := diagnosed(t, exitFound, startOptions{root: copyApp(t, "broken_fork_hook")})
	d.found(t, "hook", `^harm after_fork failed: \w+.*: .* \| config/launcher\.rb:\d+`)

	root := copyApp(t, "threads")
	write(t, filepath.Join(root, "config", "launcher.rb"), "before_fork { Thread.list.each { |thread| thread.kill.join if thread.name == 'telemetry' } }\n")
	if lines := diagnosed(t, exitFound, startOptions{root: root}).lines("thread"); len(lines) != 0 {
		t.Errorf("%q, though before_fork stops it", lines)
	}
}

func TestDoctorOfBrokenApplications(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		app  string
		args []string
		says string
	}{
		"raises": {"broken_raise", nil, `(?m)^launcher: load the application: Settings::Missing: no setting called PAYMENT_KEY
  in the application:
    lib/settings\.rb:15:(?s:.*)connecting to the payment service\nTry:`},
		"hangs": {"broken_hang", []string{"--boot-timeout", "10s"}, `not done within 10s \(--boot-timeout\)
  in the application:
    lib/remote_settings\.rb:12:`},
		"exits at once": {"broken_exit_bang", nil, `Ruby ended while it loaded: exit status 4`},
		"no app":        {"broken_no_app", nil, `neither config\.ru nor config/environment\.rb`},
		"no Ruby":       {"hello", []string{"--ruby", "true"}, `is it a Ruby\?`},
	} {
		t.Run(name, func(t *testing.T) {
			in := doctor(t, exitFailed, startOptions{root: copyApp(t, test.app)}, append(test.args, "--json")...)
			if !regexp.MustCompile(test.says).MatchString(in.log()) {
				t.Errorf("no %q", test.says)
			}
			if in.stdout.Len() != 0 {
				t.Errorf("standard output is %q", in.stdout.String())
			}
		})
	}
	doctor(t, exitUsage, startOptions{root: copyApp(t, "hello")}, "4")
	doctor(t, exitUsage, startOptions{root: copyApp(t, "hello")}, "--ruby", "/nowhere/ruby")
	other := writeApp(t, map[string]string{"config.ru": "exec('sleep', '60')\n"})
	if in := doctor(t, exitFailed, startOptions{root: other}); in.count(`replaced Ruby by another program`) != 1 {
		t.Error("it does not say that the application has become another program")
	}
}

// TestDoctorInterrupted: what the application has started ends with it, also in a session of its own
// that takes no TERM; and so it does where the application loads.
func TestDoctorInterrupted(t *testing.T) {
	t.Parallel()
	const helper = `
Process.spawn("trap '' TERM; while :; do sleep 1; done")
Process.spawn("setsid", "sh", "-c", "echo > started; trap '' TERM; while :; do sleep 1; done")
Process.wait(Process.fork { Process.daemon(true); sleep })
sleep 0.01 until File.exist?("started")
`
	root := writeApp(t, map[string]string{"config.ru": helper + "File.write('waiting', '')\nsleep\n"})
	in := start(t, startOptions{root: root, args: []string{"doctor"}})
	in.waitFor("the load to hang", func() bool { return slices.Contains(names(t, root), "waiting") })
	in.signal(syscall.SIGINT)
	if status := in.wait(); status != exitFailed {
		t.Errorf("exit status %d", status)
	}
	if found := in.processes(); len(found) != 0 {
		t.Errorf("it left %+v", found)
	}
	contains(t, "standard error", in.log(), "launcher: stopped by INT")

	root = writeApp(t, map[string]string{"config.ru": helper + "run ->(_env) { [200, {}, []] }\n"})
	doctor(t, exitOK, startOptions{root: root})
}

// names are the files in a folder.
func names(t *testing.T, root string) (found []string) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(root, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		found = append(found, filepath.Base(path))
	}
	return found
}

// TestStartWarnsOfNothingThatIsHandled: a connection of ActiveRecord is closed before the first fork, and a
// log is appended to. Costs are a line of the log too.
func TestStartWarnsOfNothingThatIsHandled(t *testing.T) {
	t.Parallel()
	root := copyApp(t, "blog")
	in := start(t, startOptions{root: root, env: []string{"BLOG_CONNECT_AT_BOOT=1"}, args: []string{"1"}}).serving()
	if in.count(` kind=`) != 0 {
		t.Error("it warns")
	}
	in = start(t, startOptions{root: copyApp(t, "hello"), env: []string{"MALLOC_ARENA_MAX=1"}, args: []string{"1"}}).serving()
	in.waitLine(`level=WARN msg="MALLOC_ARENA_MAX=1 leaves one heap to all threads" gen=1 kind=allocator advice="unset it`)
	if in.count(` kind=`) != 1 {
		t.Error("it warns of more")
	}
}

// TestDoctorReadsOtherServersFiles, also of an application that does not load, and no more once the launcher has a file of its own.
func TestDoctorReadsOtherServersFiles(t *testing.T) {
	t.Parallel()
	root := copyApp(t, "hello")
	configure(t, root, "")
	for name, text := range map[string]string{"puma.rb": "workers 2\nthreads 3, 3\nport 3000\nplugin :tmp_restart\n", "unicorn.rb": "worker_processes Shop.size\n"} {
		write(t, filepath.Join(root, "config", name), text)
	}
	if d := diagnosed(t, exitOK, startOptions{root: root}); len(d.Migration) != 0 {
		t.Errorf("%+v", d.Migration)
	}
	if err := os.Remove(filepath.Join(root, "config", "launcher.yml")); err != nil {
		t.Fatal(err)
	}
	d := diagnosed(t, exitOK, startOptions{root: root})
	if len(d.Migration) != 2 || d.Migration[0].File != "config/puma.rb" || len(d.Migration[0].Settings) != 2 || len(d.Migration[1].Remarks) != 1 {
		t.Errorf("%+v", d.Migration)
	}
	write(t, filepath.Join(root, "config.ru"), "raise 'no'\n")
	end := finish(t, root, "doctor")
	contains(t, "the doctor", end.stdout, "config/puma.rb (Puma) without running it, for this launcher:\n\n    launcher --http 0.0.0.0:3000 6\n", "    workers: 6\n",
		"line 1, worker_processes: its value could not be read: worker_processes Shop.size (NUM")
	if end.status != exitFailed {
		t.Errorf("%+v", end)
	}
}
