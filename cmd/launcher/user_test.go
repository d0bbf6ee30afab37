//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// nobody is a user whom every system has.
const nobody = 65534

// who is an application that tells who runs it.
const who = `
require "json"
run(lambda do |env|
  back = begin
    Process::Sys.setuid(0)
    "can become root"
  rescue SystemCallError
    "cannot go back"
  end
  told = { uid: Process.uid, euid: Process.euid, gid: Process.gid, groups: Process.groups.sort, back: back,
           home: ENV["HOME"], user: ENV["USER"], logname: ENV["LOGNAME"], pid: Process.pid, umask: File.umask }
  [200, {}, [JSON.generate(told)]]
end)
`

// TestRootIsRefused, unless it is told to run as somebody else, or as root.
func TestRootIsRefused(t *testing.T) {
	t.Parallel()
	root := writeApp(t, map[string]string{"config.ru": who})
	for _, test := range []struct {
		args      []string
		says, try string
		asUser    bool // it says so to others than root, too
	}{
		{[]string{"1"}, "run as root: the application would have all rights", "--user www-data", false},
		{[]string{"1", "--group", "nogroup"}, "a group alone leaves all rights to root", "--user NAME", true},
		{[]string{"1", "--user", "nobody-at-all"}, "unknown user nobody-at-all", "--user www-data", true},
		{[]string{"1", "--user", "nobody:no-such-group"}, "unknown group no-such-group", "--group", true},
		{[]string{"1", "--user", "nobody:nogroup", "--group", "users"}, "names the group nogroup", "one group", true},
		{[]string{"1", "--user", "nobody", "--socket-user", "daemon"}, "only root can", "", true},
	} {
		if os.Geteuid() != 0 && !test.asUser {
			continue // everything else here shows that others than root are let run
		}
		in := start(t, startOptions{root: root, args: test.args, env: []string{"LAUNCHER_ALLOW_ROOT="}})
		if status := in.wait(); status != exitUsage {
			t.Errorf("%q: exit status %d", test.args, status)
		}
		contains(t, fmt.Sprintf("%q", test.args), in.log(), test.says, test.try)
	}
}

// lowPort returns a port that only root may bind, or any where nobody may.
func lowPort(t *testing.T) int {
	t.Helper()
	for port := 990; port > 900; port-- {
		if l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			_ = l.Close()
			return port
		}
	}
	return freePorts(t, 1)
}

// TestUser: root binds a port, makes the folder of the sockets and the log, and becomes nobody for good. All that comes later is made
// by nobody: workers, sockets that are bound anew, a new release, a log that is opened anew.
func TestUser(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		in := start(t, startOptions{root: writeApp(t, map[string]string{"config.ru": who}), args: []string{"1", "--user", fmt.Sprint(os.Geteuid())}})
		in.serving() // one is that user already
		return
	}
	root := writeApp(t, map[string]string{"config.ru": who, "tmp/restart.txt": ""})
	for _, path := range []string{filepath.Dir(root), root} {
		if err := os.Chmod(path, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	folder, err := os.MkdirTemp("/run", "launcher-test-") // where nobody but root may write
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	if err := os.Chmod(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	log, sockets := filepath.Join(folder, "launcher.log"), filepath.Join(folder, "sockets")
	port := lowPort(t)
	in := start(t, startOptions{root: root, args: []string{"1", "--user", "nobody", "--http", fmt.Sprintf("127.0.0.1:%d", port),
		"--socket-dir", sockets, "--log-file", log}})
	in.waitFor("the worker", func() bool { return strings.Contains(read(t, log), "1 worker is ready") })
	first := askWho(t, port)
	if first.Pid == 0 || first.Back != "cannot go back" || first.Home == "/root" || first.User != "nobody" || first.Logname != "nobody" || first.Umask != 0o022 {
		t.Errorf("%+v", first)
	}
	status := read(t, fmt.Sprintf("/proc/%d/status", in.cmd.Process.Pid))
	contains(t, "the launcher", strings.ReplaceAll(status, "\t", " "), fmt.Sprintf("Uid: %[1]d %[1]d %[1]d %[1]d\n", nobody),
		"CapPrm: 0000000000000000\n", "CapEff: 0000000000000000\n")
	for _, path := range []string{log, sockets, filepath.Join(sockets, "fastcgi.socket-0"), filepath.Join(sockets, "launcher.sock")} {
		if uid := ownerOf(t, path); uid != nobody {
			t.Errorf("%s belongs to %d", path, uid)
		}
	}
	// A socket that is bound anew.
	before := inode(t, filepath.Join(sockets, "fastcgi.socket-0"))
	remove(t, filepath.Join(sockets, "fastcgi.socket-0"))
	in.waitFor("the socket", func() bool {
		info, err := os.Stat(filepath.Join(sockets, "fastcgi.socket-0"))
		return err == nil && info.Sys().(*syscall.Stat_t).Ino != before
	})
	// A log as logrotate leaves it.
	rename(t, log, log+".1")
	write(t, log, "")
	if err := os.Chown(log, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	in.signal(syscall.SIGUSR1)
	in.waitFor("the new log", func() bool { return strings.Contains(read(t, log), "logs are opened anew") })
	in.signal(syscall.SIGHUP)
	in.waitFor("the new release", func() bool { return strings.Contains(read(t, log), "all slots have a ready worker") })
	if next := askWho(t, port); next.Uid != nobody || next.Pid == first.Pid {
		t.Errorf("%+v", next)
	}
	in.signal(syscall.SIGTERM)
	if status := in.wait(); status != exitOK {
		t.Errorf("exit status %d\n%s", status, read(t, log))
	}
}

// TestUserWithoutAFolder may not write where the sockets are to be, and the launcher says what to do.
func TestUserWithoutAFolder(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		return // only root can become somebody whose the folder is not: TestRootIsRefused
	}
	root := writeApp(t, map[string]string{"config.ru": who, "log/x": ""})
	for _, path := range []string{filepath.Dir(root), root} {
		if err := os.Chmod(path, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	in := start(t, startOptions{root: root, args: []string{"1", "--user", "nobody"}})
	if status := in.wait(); status != exitFailed {
		t.Errorf("exit status %d", status)
	}
	contains(t, "the error", in.log(), "the user nobody may not write there", "chown nobody "+root+"/log")
}

// TestSocketUser owns the sockets, those too that are bound anew.
func TestSocketUser(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		return // only root can give a file away: TestRootIsRefused
	}
	root := writeApp(t, map[string]string{"config.ru": who})
	unix := filepath.Join(root, "front")
	in := start(t, startOptions{root: root, args: []string{"1", "--socket-user", "nobody", "--socket-group", "daemon", "--socket-mode", "0600",
		"--http", "unix:" + unix}})
	in.waitLine("worker is ready")
	its := func(path string) bool {
		info, err := os.Stat(path)
		if err != nil {
			return false
		}
		stat := info.Sys().(*syscall.Stat_t)
		return stat.Uid == nobody && stat.Gid == 1 && info.Mode().Perm() == 0o600
	}
	if !its(in.socket(0)) || !its(unix) {
		t.Error("the sockets are another user's")
	}
	remove(t, in.socket(0))
	in.waitFor("the socket", func() bool { return its(in.socket(0)) })
	if uid := ownerOf(t, filepath.Join(root, "log", "launcher.sock")); uid != 0 {
		t.Errorf("the control socket belongs to %d", uid)
	}
}

type whoTold struct {
	Uid, Euid, Gid            int
	Groups                    []int
	Back, Home, User, Logname string
	Pid, Umask                int
}

func askWho(t *testing.T, port int) (told whoTold) {
	t.Helper()
	answer, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d/", port))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || json.Unmarshal(text, &told) != nil {
		t.Fatalf("%s, %v", text, err)
	}
	if told.Uid != nobody || told.Euid != nobody || told.Gid != nobody || fmt.Sprint(told.Groups) != fmt.Sprintf("[%d]", nobody) {
		t.Errorf("%+v", told)
	}
	return told
}

func ownerOf(t *testing.T, path string) int {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return int(info.Sys().(*syscall.Stat_t).Uid)
}
