//go:build linux

package main

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"launcher/cmd/launcher/internal/cli"
)

// Exit statuses that scripts rely on, and names that users type.
const (
	exitOK      = 0
	exitFailed  = 1
	exitUsage   = 2
	exitFound   = 3
	snippetName = "lighttpd.conf"
	currentLink = "current"
)

// asLauncher makes the test binary play the launcher itself, so that the end-to-end
// tests run it with the race detector.
const asLauncher = "TEST_AS_LAUNCHER"

func TestMain(m *testing.M) {
	if os.Getenv(asLauncher) != "" {
		if len(os.Args) < 2 || os.Args[1] != "experiment" { // which runs itself, for its child and the servers
			_ = os.Unsetenv(asLauncher)
		}
		os.Exit(cli.Run(version, os.Args, os.Stdout, os.Stderr))
	}
	status := m.Run()
	preparedApps.remove()
	os.Exit(status)
}

// patience bounds every wait of the end-to-end tests. Nothing is expected to take
// that long: it is what a test takes to fail.
const patience = 6 * time.Minute

// tool returns the path of a program that the tests cannot do without.
func tool(t testing.TB, name string) string {
	t.Helper()
	for _, dir := range append(filepath.SplitList(os.Getenv("PATH")), "/usr/sbin", "/sbin") {
		if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return path
		}
	}
	t.Fatalf("%s is missing (install it: make deps)", name)
	return ""
}

// copyApp gives a test its own copy of an application of testdata/apps, in a folder with a
// short path: a socket's path is bounded.
func copyApp(t testing.TB, name string) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "la")
	if err != nil {
		t.Fatal(err)
	}
	root := filepath.Join(dir, name)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the application's folder is kept: %s", root)
			return
		}
		_ = os.RemoveAll(dir)
	})
	if err := os.CopyFS(root, os.DirFS(preparedApps.path(t, name))); err != nil {
		t.Fatal(err)
	}
	return root
}

// instance is a running launcher.
type instance struct {
	t    testing.TB
	root string
	port int    // of slot 0, where slots have ports
	pipe string // of its standard error as /proc shows it, where the root is shared
	cmd  *exec.Cmd

	mu      sync.Mutex
	changed chan struct{} // closed and replaced with each line
	lines   []string      // of standard error; of what workers print without what the launcher puts around it
	raw     []string      // the same as they are
	stdout  bytes.Buffer
	read    sync.WaitGroup
	exited  chan struct{}
	err     error
}

// startOptions are what a test may choose about a launcher.
type startOptions struct {
	root string
	env  []string // added to the test's own, without the variables of Rails and Rack
	args []string
	// ports is how many slots have a port of 127.0.0.1, and none a unix socket.
	ports int
	// program is the test binary by another path, for a user who may not reach its own.
	program string
	attr    *syscall.SysProcAttr // its process group, its user
	files   []*os.File           // that it gets, from descriptor 3 on
	// shared says that others may run something in the same folder meanwhile.
	shared bool
	// defaults lets workers be replaced as they are where nobody chooses, and requests time out. Otherwise each stays as long
	// as the test does, unless it says so.
	defaults bool
}

// start runs a launcher and does not wait for it. It is killed when the test ends, and
// must have left no process behind by then.
func start(t testing.TB, o startOptions) *instance {
	t.Helper()
	in := &instance{t: t, root: o.root, changed: make(chan struct{}), exited: make(chan struct{})}
	if o.ports > 0 {
		in.port = freePorts(t, o.ports)
		o.args = append(slices.Clone(o.args), "--listen", in.socket(0))
	}
	in.cmd = exec.Command(cmp.Or(o.program, os.Getenv(benchBinary), os.Args[0]), o.args...)
	in.cmd.SysProcAttr, in.cmd.ExtraFiles = o.attr, o.files
	in.cmd.Dir = o.root
	in.cmd.Env = append(cleanEnv(), asLauncher+"=1")
	if !o.defaults {
		in.cmd.Env = append(in.cmd.Env, "LAUNCHER_REFORK_AFTER=never", "LAUNCHER_MAX_PRIVATE=off", "LAUNCHER_SPARE=0", "LAUNCHER_REQUEST_TIMEOUT=0")
	}
	in.cmd.Env = append(in.cmd.Env, o.env...)
	in.cmd.Stdout = &in.stdout
	stderr, err := in.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if o.shared {
		in.pipe = pipeName(t, stderr.(*os.File))
	}
	if err := in.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	in.read.Go(func() { in.readLines(stderr) })
	go func() {
		in.read.Wait()
		in.err = in.cmd.Wait()
		close(in.exited)
	}()
	t.Cleanup(in.cleanup)
	return in
}

// cleanEnv is the test's own environment without what would choose for the launcher. Tests may run as root.
func cleanEnv() []string {
	return append(slices.DeleteFunc(os.Environ(), func(v string) bool {
		return strings.HasPrefix(v, "RAILS_") || strings.HasPrefix(v, "RACK_") || strings.HasPrefix(v, "LAUNCHER_") ||
			strings.HasPrefix(v, "BUNDLE_") || strings.HasPrefix(v, "PORT=") || strings.HasPrefix(v, "WEB_CONCURRENCY=")
	}), "LAUNCHER_ALLOW_ROOT=1")
}

func (in *instance) readLines(r io.Reader) {
	reader := bufio.NewReader(r)
	for {
		line, err := reader.ReadString('\n')
		if line != "" {
			in.mu.Lock()
			line = strings.TrimSuffix(line, "\n")
			in.raw = append(in.raw, line)
			in.lines = append(in.lines, printedLine(line))
			close(in.changed)
			in.changed = make(chan struct{})
			in.mu.Unlock()
		}
		if err != nil {
			return
		}
	}
}

// ofProcess is a line that a worker or a preloader has printed.
var ofProcess = regexp.MustCompile(`^time=\S+ level=(?:INFO|WARN|ERROR) msg=("(?:[^"\\]|\\.)*"|\S*) printed_by=\w+(?: |$)`)

// printedLine is a line of the log, or what a process has printed.
func printedLine(line string) string {
	match := ofProcess.FindStringSubmatch(line)
	if match == nil {
		return line
	}
	if text, err := strconv.Unquote(match[1]); err == nil {
		return text
	}
	return match[1]
}

func (in *instance) cleanup() {
	select {
	case <-in.exited:
	default:
		_ = in.cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-in.exited:
		case <-time.After(patience):
			in.t.Errorf("the launcher did not stop; it is killed")
			_ = in.cmd.Process.Kill()
		}
	}
	in.waitFor("every process of the application to leave", func() bool { return len(in.processes()) == 0 })
	log := in.log()
	if strings.Contains(log, "contradicted itself") || strings.Contains(log, "DATA RACE") {
		in.t.Errorf("the launcher found a fault in itself")
	}
	if in.t.Failed() {
		in.t.Logf("standard error of the launcher:\n%s", log)
		if text, err := os.ReadFile(filepath.Join(in.root, "log", "production.log")); err == nil {
			in.t.Logf("production.log:\n%s", text[max(0, len(text)-8000):])
		}
	}
}

func (in *instance) log() string {
	in.mu.Lock()
	defer in.mu.Unlock()
	return strings.Join(in.lines, "\n")
}

// waitLine waits for a line of standard error that matches, and returns its submatches.
func (in *instance) waitLine(pattern string) []string {
	in.t.Helper()
	return in.waitLines(pattern, 1)
}

// waitLines waits until so many lines match, and returns the submatches of the last.
func (in *instance) waitLines(pattern string, count int) []string {
	in.t.Helper()
	re := regexp.MustCompile(pattern)
	deadline := time.After(patience)
	found, seen := 0, 0
	for {
		in.mu.Lock()
		changed, lines := in.changed, in.lines[seen:]
		in.mu.Unlock()
		seen += len(lines)
		for _, line := range lines { // each once, without the mutex: the launcher drops lines of its log that nobody reads
			if match := re.FindStringSubmatch(line); match != nil {
				if found++; found == count {
					return match
				}
			}
		}
		select {
		case <-changed:
		case <-in.exited:
			if in.count(pattern) >= count {
				continue
			}
			in.t.Fatalf("the launcher ended (%v) before %d lines were like %q", in.err, count, pattern)
		case <-deadline:
			in.t.Fatalf("no %d lines like %q", count, pattern)
		}
	}
}

func (in *instance) count(pattern string) (n int) {
	re := regexp.MustCompile(pattern)
	in.mu.Lock()
	defer in.mu.Unlock()
	for _, line := range in.lines {
		if re.MatchString(line) {
			n++
		}
	}
	return n
}

// serving waits until every worker is ready.
func (in *instance) serving() *instance {
	in.t.Helper()
	in.waitLine(`^\d+ workers? (is|are) ready`)
	return in
}

// wait waits for the launcher's end and returns its exit status.
func (in *instance) wait() int {
	in.t.Helper()
	select {
	case <-in.exited:
	case <-time.After(patience):
		in.t.Fatal("the launcher does not end")
	}
	var exit *exec.ExitError
	if errors.As(in.err, &exit) {
		return exit.ExitCode()
	}
	if in.err != nil {
		in.t.Fatal(in.err)
	}
	return 0
}

func (in *instance) signal(sig syscall.Signal) {
	in.t.Helper()
	if err := in.cmd.Process.Signal(sig); err != nil {
		in.t.Fatal(err)
	}
}

// waitFor polls for something that no line tells.
func (in *instance) waitFor(what string, done func() bool) {
	in.t.Helper()
	waitFor(in.t, what, done)
}

func waitFor(t testing.TB, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Errorf("waited in vain for %s", what)
			return
		}
	}
}
