//go:build linux

package main

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// configure writes config/launcher.yml of an application.
func configure(t *testing.T, root, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Join(root, "config"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "config", "launcher.yml"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestConfigurationFile: a launcher without an option has those of the file, every command finds it by the same file, a restart says
// what has changed, and another launcher follows only where the file can be read.
func TestConfigurationFile(t *testing.T) {
	t.Parallel()
	root := copyApp(t, "hello")
	port := freePorts(t, 1)
	text := fmt.Sprintf("workers: 2\nsocket-dir: run\nhttp: 127.0.0.1:%d\n", port)
	configure(t, root, text)
	program := filepath.Join(t.TempDir(), "launcher")
	write(t, program, "#!/bin/bash\n"+asLauncher+`=1 exec -a "$0" `+os.Args[0]+` "$@"`)
	if err := os.Chmod(program, 0o755); err != nil {
		t.Fatal(err)
	}
	in := start(t, startOptions{root: root, program: program}).serving()
	in.waitLine(`options are taken from ` + root + `/config/launcher.yml`)
	status := finish(t, root, "status")
	contains(t, "status", status.stdout, "sockets in "+root+"/run\n", "fastcgi.socket-1")
	shown := finish(t, root, "config", "show")
	contains(t, "config show", shown.stdout, "the file is "+root+"/config/launcher.yml", "file, line 3")
	checked := finish(t, root, "config", "check")
	contains(t, "config check", checked.stdout, "running      ok: the launcher with pid "+strconv.Itoa(in.cmd.Process.Pid))
	if status.status != exitOK || shown.status != exitOK || checked.status != exitOK {
		t.Errorf("%+v\n%+v\n%+v", status, shown, checked)
	}

	configure(t, root, text+"drain-timeout: 20s\n")
	end := finish(t, root, "restart")
	if end.status != exitOK {
		t.Errorf("restart: %+v", end)
	}
	contains(t, "restart", end.stdout, "the file of options has changed since the start", "(drain-timeout in "+root+"/config/launcher.yml;", "serves 2 slots")
	in.waitLine(`level=WARN msg="the file of options has changed since the start.*file=` + root + `/config/launcher.yml options=drain-timeout try=`)

	configure(t, root, text+"log-level: loud\n")
	contains(t, "restart", finish(t, root, "restart").stdout, "the launcher would not start again", "launcher.yml:4:12: log-level: ")
	in.waitLine(`level=ERROR msg="the file of options has a mistake by now`)
	in.signal(syscall.SIGUSR2)
	in.waitLine(`the launcher goes on as it is.*launcher.yml:4:12: log-level: .*loud.* is none of`)
	configure(t, root, strings.Replace(text, "workers: 2", "workers: 1", 1))
	in.signal(syscall.SIGUSR2)
	in.waitLine(`^1 worker is ready`)
}

// TestOptionsAreTried: 0 where a launcher would start, 1 where something stands in the way, 2 where the file has a mistake.
func TestOptionsAreTried(t *testing.T) {
	t.Parallel()
	root := publicApp(t)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	if err := os.WriteFile(filepath.Join(root, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	tool(t, "lighttpd")
	stop := fmt.Sprintf("             Try: stop it (ps %d), or ", os.Getpid())
	for _, test := range []struct {
		text   string
		args   []string
		status int
		says   []string
	}{
		{"workers: 2\nhttp: 127.0.0.1:0\nmax-age: 1h\ntls-key: x", nil, exitUsage, nil},
		{"workers: 2\nhttp: 127.0.0.1:0\nlog-file: new.log\n", nil, exitOK, []string{
			"file         ok: " + root + "/config/launcher.yml, 3 options\n", "options      ok: 2 workers\n", "application  ok: " + root + "/config.ru\n",
			"Ruby         ok: /", "sockets      ok: " + root + "/log\n", "log          ok: " + root + "/new.log\n", "lighttpd     ok: 1."}},
		{"http: 127.0.0.1:0\nmetrics: " + taken.Addr().String() + "\nlog-file: no/such.log\nsocket-dir: file\nqueue-timeout: 5s\nwarmup-count: 3\n", []string{"3"}, exitFailed, []string{
			"options      ok: 3 workers\n", "address      FAILS: ", fmt.Sprintf("the process %d (", os.Getpid()), "address already in use\n" + stop + "choose another address with --metrics",
			"log          FAILS: ", "sockets      FAILS: " + root + "/file is no folder\n             Try: choose another folder with --socket-dir",
			"warning      no effect without --warmup: --warmup-count"}},
		{"dashboard: 0.0.0.0:" + strconv.Itoa(freePorts(t, 1)) + "\nhttp: " + taken.Addr().String() + "\nlisten: " + taken.Addr().String() + "\n", []string{"1"}, exitFailed, []string{stop + "choose another address with --http", stop + "choose other ports with --listen", "is not loopback, and everybody who can connect could read the page", "address      FAILS: listen at " + taken.Addr().String()}},
		{"workers: 2\nspar: 1\n", nil, exitUsage, nil},
		{"", nil, exitUsage, nil},
	} {
		configure(t, root, test.text)
		end := finish(t, root, append([]string{"config", "check"}, test.args...)...)
		if end.status != test.status {
			t.Errorf("%q: %+v", test.text, end)
		}
		contains(t, test.text, end.stdout, test.says...)
	}
	if _, err := os.Stat(filepath.Join(root, "new.log")); err == nil {
		t.Error("the check has made the log")
	}
}

// TestMistakeInTheFile is printed with its line and a mark below it, or as JSON where that is the log's format.
func TestMistakeInTheFile(t *testing.T) {
	t.Parallel()
	root := publicApp(t)
	configure(t, root, "workers: 2\nlog-format: json\nspar: 1 # one\n")
	end := finish(t, root)
	want := `"error":"read options: ` + root + `/config/launcher.yml:3:1: there is no option spar; did you mean spare?","try":"spare: …"`
	if end.status != exitUsage || !strings.Contains(end.stderr, want) {
		t.Errorf("%+v", end)
	}
	end = finish(t, root, "--log-format", "text")
	want = "launcher: read options: " + root + "/config/launcher.yml:3:1: there is no option spar; did you mean spare?\n    3 | spar: 1 # one\n      | ^\nTry: spare: …\n"
	if end.status != exitUsage || end.stderr != want {
		t.Errorf("%+v", end)
	}
}

// TestUnitOfTheFile leaves to the file what the file says, so that it may change, but for what the unit itself has to know. The folder of
// the sockets is said on the command line: root would not take it from a file in a folder like this one.
func TestUnitOfTheFile(t *testing.T) {
	t.Parallel()
	root := publicApp(t)
	configure(t, root, "workers: 3\nhttp: 0.0.0.0:80\ndrain-timeout: 50s\nlog-level: warn\n")
	unit := finish(t, root, "systemd", "--socket-dir", "/run/hello", "--name", "hello", "--user", "www-data", "--boot-timeout", "10s", "--systemd-version", "252").stdout
	contains(t, "the unit", unit, " --root "+root+" --socket-dir /run/hello --allow-root --boot-timeout 10s --keep-sockets\n", "RuntimeDirectory=hello", "User=www-data", "CAP_NET_BIND_SERVICE", "TimeoutStopSec=")
	for _, not := range []string{"--http", "--drain-timeout", "--log-level", " 3\n"} {
		if strings.Contains(unit, not) {
			t.Errorf("the unit has %q:\n%s", not, unit)
		}
	}
	unit = finish(t, root, "systemd", "--socket-dir", "/run/hello", "--name", "hello", "--user", "www-data", "--config", "config/launcher.yml", "2").stdout
	contains(t, "the unit", unit, " --root "+root+" --config "+root+"/config/launcher.yml --socket-dir /run/hello --allow-root --keep-sockets 2\n")
	unit = finish(t, root, "systemd", "--socket-dir", "/run/hello", "--name", "hello", "--user", "www-data", "--config", "none", "2").stdout
	contains(t, "the unit", unit, " --root "+root+" --config none --socket-dir /run/hello --allow-root --keep-sockets 2\n")
}
