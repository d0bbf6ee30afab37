//go:build linux

package main

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// serviceManager plays the part of systemd: it hears what a launcher tells of itself.
type serviceManager struct {
	t    *testing.T
	path string
	conn *net.UnixConn

	mu     sync.Mutex
	told   []string              // lines, of all messages
	stored map[string][]*os.File // descriptors, by their names
}

func listenAsManager(t *testing.T) *serviceManager {
	t.Helper()
	dir, err := os.MkdirTemp("", "lm")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	m := &serviceManager{t: t, path: filepath.Join(dir, "notify"), stored: map[string][]*os.File{}}
	if m.conn, err = net.ListenUnixgram("unixgram", &net.UnixAddr{Name: m.path, Net: "unixgram"}); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		m.hear()
	}()
	t.Cleanup(func() {
		_ = m.conn.Close()
		<-ended
	})
	return m
}

func (m *serviceManager) hear() {
	text, control := make([]byte, 64<<10), make([]byte, 4<<10)
	for {
		n, rights, _, _, err := m.conn.ReadMsgUnix(text, control)
		if err != nil {
			return
		}
		lines := strings.Split(strings.TrimSpace(string(text[:n])), "\n")
		m.takeStored(lines, control[:rights])
		m.mu.Lock()
		m.told = append(m.told, lines...)
		m.mu.Unlock()
	}
}

// lines are those that match, of all that was told.
func (m *serviceManager) lines(pattern string) (found []string) {
	re := regexp.MustCompile("^(?:" + pattern + ")$")
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, line := range m.told {
		if re.MatchString(line) {
			found = append(found, line)
		}
	}
	return found
}

// hears waits until so many lines match.
func (m *serviceManager) hears(pattern string, count int) {
	m.t.Helper()
	waitFor(m.t, "the service manager to hear "+pattern, func() bool { return len(m.lines(pattern)) >= count })
}

// inOrder wants lines to have come in this order, whatever came between them.
func (m *serviceManager) inOrder(patterns ...string) {
	m.t.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	rest := patterns
	for _, line := range m.told {
		if len(rest) > 0 && regexp.MustCompile("^(?:"+rest[0]+")$").MatchString(line) {
			rest = rest[1:]
		}
	}
	if len(rest) > 0 {
		m.t.Errorf("%q is not among what was told, behind the lines before it: %q", rest[0], m.told)
	}
}

// TestSystemdUnits: the units that are printed are accepted, have the options, and what cannot be started is refused.
func TestSystemdUnits(t *testing.T) {
	t.Parallel()
	root, units := copyApp(t, "hello"), t.TempDir()
	a := askLauncher(t, startOptions{root: root, env: []string{"LAUNCHER_MAX_REQUESTS=900"}, args: []string{"systemd", "--user", "www-data", "--output", units,
		"--name", "shop", "--socket", "--http", "127.0.0.1:3000", "--drain-timeout", "2m", "--log-file", "log/shop.log", "2"}}, nil)
	if a.exit != exitOK || a.stderr != "" {
		t.Fatalf("%+v", a)
	}
	files := strings.Fields(a.stdout)
	var text strings.Builder
	for _, file := range files {
		part, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		text.Write(part)
	}
	for _, line := range []string{"User=www-data", "WorkingDirectory=" + root, "TimeoutStopSec=135", "RuntimeDirectory=shop", "Sockets=shop-slot-1.socket",
		"ListenStream=/run/shop/fastcgi.socket-1", "FileDescriptorName=http", " --root " + root + " --socket-dir /run/shop ", " --max-requests 900 ",
		" --log-file " + root + "/log/shop.log ", " --http 127.0.0.1:3000 "} {
		if !strings.Contains(text.String(), line) {
			t.Errorf("%q is missing in\n%s", line, text.String())
		}
	}
	output, err := exec.Command(tool(t, "systemd-analyze"), append([]string{"verify", "--man=no"}, files...)...).CombinedOutput()
	if err != nil || strings.Contains(string(output), units) {
		t.Errorf("%v: %s", err, output)
	}
	for want, args := range map[string][]string{
		"--systemd-version": {"--systemd-version", "0", "--user", "www-data", "2"},
		"--name":            {"--name", "a b", "--user", "www-data", "2"},
		"--drain-timeout":   {"--drain-timeout", "0s", "--user", "www-data", "2"},
		"NUM":               {"--user", "www-data"},
	} {
		if a := askLauncher(t, startOptions{root: root, args: append([]string{"systemd"}, args...)}, nil); a.exit != exitUsage || !strings.Contains(a.stderr, want) {
			t.Errorf("%s: %+v", want, a)
		}
	}
}

// environmentApp responds with the names of its environment variables.
func environmentApp(t *testing.T) string {
	return writeApp(t, map[string]string{"config.ru": `run(lambda { |_env| [200, {}, ENV.keys.map { |name| "#{name}\n" }] })`})
}

// TestManagerIsTold how the service starts, loads a new release and stops; its variables do not get to the application.
func TestManagerIsTold(t *testing.T) {
	t.Parallel()
	m := listenAsManager(t)
	root := environmentApp(t)
	in := start(t, startOptions{root: root, args: []string{"2"}, env: []string{"NOTIFY_SOCKET=" + m.path, "WATCHDOG_USEC=300000", "FDSTORE=0",
		"LISTEN_FDS=1", "LISTEN_PID=1", "LISTEN_FDNAMES=other"}}).serving()
	m.hears("READY=1", 1)
	m.hears("STATUS=2 of 2 slots are served by generation 1", 1)
	m.hears("WATCHDOG=1", 4)
	leaked := regexp.MustCompile(`(?m)^(NOTIFY|WATCHDOG|LISTEN|FDSTORE).*`)
	in.waitFor("an answer", func() bool { return ask(t, in.socket(0), "/").status == 200 })
	if found := leaked.FindAllString(ask(t, in.socket(0), "/").body, -1); found != nil {
		t.Errorf("the application has variables of the service manager: %q", found)
	}

	in.signal(syscall.SIGHUP)
	m.hears("READY=1", 2)
	write(t, filepath.Join(root, "config.ru"), "raise 'broken'")
	in.signal(syscall.SIGHUP)
	m.hears("READY=1", 3)
	if served := m.lines("STATUS=2 of 2 slots are served by generation 3"); served != nil {
		t.Error(served)
	}

	in.signal(syscall.SIGTERM)
	if status := in.wait(); status != exitOK {
		t.Error(status)
	}
	m.hears("STOPPING=1", 1)
	m.inOrder("STATUS=loading the application", `EXTEND_TIMEOUT_USEC=\d+`, "READY=1", "RELOADING=1", `MONOTONIC_USEC=[1-9]\d+`,
		"READY=1", "RELOADING=1", `MONOTONIC_USEC=\d+`, "READY=1", "STOPPING=1", `EXTEND_TIMEOUT_USEC=\d+`)
}

// TestManagerThatDoesNotRead stops nothing.
func TestManagerThatDoesNotRead(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	in := start(t, startOptions{root: environmentApp(t), args: []string{"1"}, env: []string{"NOTIFY_SOCKET=" + path, "WATCHDOG_USEC=3000"}}).serving()
	in.waitLine("the service manager does not read|the service manager could not be told")
	began := time.Now()
	in.waitFor("an answer", func() bool { return ask(t, in.socket(0), "/").status == 200 })
	t.Log("answered after", time.Since(began))
	_ = conn.Close()
}
