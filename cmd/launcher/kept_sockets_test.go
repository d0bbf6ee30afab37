//go:build linux

package main

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// takeStored keeps the descriptors of a message, or closes those that are to be dropped, as systemd does.
func (m *serviceManager) takeStored(lines []string, control []byte) {
	var name string
	store, remove := false, false
	for _, line := range lines {
		switch key, value, _ := strings.Cut(line, "="); key {
		case "FDNAME":
			name = value
		case "FDSTORE":
			store = true
		case "FDSTOREREMOVE":
			remove = true
		}
	}
	messages, err := syscall.ParseSocketControlMessage(control)
	if err != nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if remove {
		for _, file := range m.stored[name] {
			_ = file.Close()
		}
		delete(m.stored, name)
	}
	for _, message := range messages {
		fds, err := syscall.ParseUnixRights(&message)
		if err != nil {
			continue
		}
		for _, fd := range fds {
			syscall.CloseOnExec(fd)
			if store {
				m.stored[name] = append(m.stored[name], os.NewFile(uintptr(fd), name))
			} else {
				_ = syscall.Close(fd)
			}
		}
	}
}

// names are those of the descriptors that are kept, each with its number.
func (m *serviceManager) names() map[string]int {
	m.mu.Lock()
	defer m.mu.Unlock()
	names := map[string]int{}
	for name, files := range m.stored {
		names[name] = len(files)
	}
	return names
}

// starts starts a launcher with the descriptors that are kept, as systemd does.
func (m *serviceManager) starts(o startOptions) *instance {
	m.t.Helper()
	var names []string
	m.mu.Lock()
	defer m.mu.Unlock() // what is dropped meanwhile is closed later
	for name, files := range m.stored {
		for _, file := range files {
			names = append(names, name)
			o.files = append(o.files, file)
		}
	}
	if len(names) > 0 {
		o.env = append(o.env, fmt.Sprintf("LISTEN_FDS=%d", len(names)), "LISTEN_FDNAMES="+strings.Join(names, ":"))
	}
	o.env = append(o.env, "NOTIFY_SOCKET="+m.path, "FDSTORE=64")
	o.program, o.args = "/bin/sh", append([]string{"-c", `export LISTEN_PID=$$; exec "$@"`, "sh", os.Args[0]}, o.args...)
	return start(m.t, o)
}

// webVisitors ask for pages of web servers, one after the other at each.
type webVisitors struct {
	quit   chan struct{}
	wait   sync.WaitGroup
	mu     sync.Mutex
	served int
	failed []string
}

func visitWeb(urls ...string) *webVisitors {
	v := &webVisitors{quit: make(chan struct{})}
	for _, url := range urls {
		v.wait.Go(func() {
			for {
				select {
				case <-v.quit:
					return
				case <-time.After(time.Millisecond): // a pace that leaves the machine to others
				}
				v.note(url, fetch(client(), http.MethodGet, url, nil))
			}
		})
	}
	return v
}

func (v *webVisitors) note(url string, got page) {
	v.mu.Lock()
	defer v.mu.Unlock()
	switch {
	case got.err != nil:
		v.failed = append(v.failed, got.err.Error())
	case got.StatusCode != http.StatusOK:
		v.failed = append(v.failed, url+": "+got.Status)
	default:
		v.served++
	}
}

// end wants none to have failed.
func (v *webVisitors) end(t *testing.T) {
	t.Helper()
	close(v.quit)
	v.wait.Wait()
	if len(v.failed) > 0 || v.served == 0 {
		t.Errorf("%d requests were served, and %d failed: %q", v.served, len(v.failed), v.failed)
	}
}

// TestNewLauncherTakesTheSocketsUp: requests that come while there is no launcher wait for the next one, behind lighttpd, at the launcher's
// own front and at the sockets themselves, also where the number of workers is another one.
func TestNewLauncherTakesTheSocketsUp(t *testing.T) {
	t.Parallel()
	m := listenAsManager(t)
	root := gatedApp(t)
	address := "127.0.0.1:" + strconv.Itoa(freePorts(t, 1))
	in := m.starts(startOptions{root: root, args: []string{"3", "--http", address}})
	in.waitLine(`workers are ready`)
	all := "map[kept-http:1 kept-slot-0:1 kept-slot-1:1 kept-slot-2:1]"
	in.waitFor("sockets to be kept", func() bool { return fmt.Sprint(m.names()) == all })
	behind := in.behindLighttpd(3)

	visitors := visitWeb(behind, behind, "http://"+address)
	for _, workers := range []string{"3", "2", "3"} {
		in.signal(syscall.SIGTERM)
		if status := in.wait(); status != exitOK {
			t.Fatal(status)
		}
		waiting := []*queued{queue(t, in.socket(1), "/"), queue(t, in.socket(0), "/")}
		in = m.starts(startOptions{root: root, args: []string{workers, "--http", address}})
		in.waitLine(`workers are ready`)
		for _, one := range waiting {
			if got := one.answer(); !got.is("one") {
				t.Errorf("who connected while there was no launcher: %v", got)
			}
		}
	}
	visitors.end(t)
	in.waitFor("sockets to be kept", func() bool { return fmt.Sprint(m.names()) == all })
}

// TestKeptSocketsFollowTheSlots: what is scaled away is not kept, and a launcher that was killed leaves its sockets.
func TestKeptSocketsFollowTheSlots(t *testing.T) {
	t.Parallel()
	m := listenAsManager(t)
	root := gatedApp(t)
	in := m.starts(startOptions{root: root, args: []string{"2"}}).serving()
	askLauncher(t, startOptions{root: root, args: []string{"scale", "3"}}, nil)
	in.waitFor("three to be kept", func() bool { return fmt.Sprint(m.names()) == "map[kept-slot-0:1 kept-slot-1:1 kept-slot-2:1]" })
	askLauncher(t, startOptions{root: root, args: []string{"scale", "1"}}, nil)
	in.waitFor("one to be kept", func() bool { return fmt.Sprint(m.names()) == "map[kept-slot-0:1]" })

	if err := os.Remove(in.socket(0)); err != nil {
		t.Fatal(err)
	}
	in.waitFor("a socket in its place", func() bool {
		conn, err := net.Dial("unix", in.socket(0)) // its name is there a moment before it listens
		return err == nil && conn.Close() == nil
	})
	in.waitFor("it to serve", func() bool { return ask(t, in.socket(0), "/").is("one") })
	in.waitFor("it to be kept", func() bool { return fmt.Sprint(m.names()) == "map[kept-slot-0:1]" })

	if err := in.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-in.exited
	in.waitFor("its workers to leave", func() bool { return len(in.processes()) == 0 })
	waiting := queue(t, in.socket(0), "/")
	m.starts(startOptions{root: root, args: []string{"1"}}).serving()
	if got := waiting.answer(); !got.is("one") {
		t.Error(got)
	}
}

// TestSocketsThatSystemdBinds are used in the place of the launcher's own, and are still there when it has stopped.
func TestSocketsThatSystemdBinds(t *testing.T) {
	t.Parallel()
	root := gatedApp(t)
	if err := os.MkdirAll(filepath.Join(root, "log"), 0o755); err != nil {
		t.Fatal(err)
	}
	path := func(slot int) string { return filepath.Join(root, "log", fmt.Sprintf("fastcgi.socket-%d", slot)) }
	address := "127.0.0.1:" + strconv.Itoa(freePorts(t, 1))
	in := start(t, startOptions{root: root, program: tool(t, "systemd-socket-activate"), args: []string{"--listen", path(0), "--listen", path(1), "--listen", address,
		"--fdname", "slot-0:slot-1:http", "--setenv", asLauncher + "=1", "--setenv", "LAUNCHER_ALLOW_ROOT=1", os.Args[0], "2"}})
	in.waitFor("systemd-socket-activate to listen", func() bool { // with which the launcher is started
		conn, err := net.Dial("unix", path(1))
		return err == nil && conn.Close() == nil
	})
	waiting := queue(t, path(1), "/")
	in.waitLine(`workers are ready: http://` + address)
	if got := waiting.answer(); !got.is("one") {
		t.Error(got)
	}
	if response, err := http.Get("http://" + address + "/"); err != nil || response.StatusCode != http.StatusOK {
		t.Errorf("%v %v", response, err)
	}
	if a := askLauncher(t, startOptions{root: root, args: []string{"scale", "3"}}, nil); a.exit != exitFailed || !strings.Contains(a.stderr, "systemd has bound the sockets of 2 workers") {
		t.Errorf("%+v", a)
	}
	in.signal(syscall.SIGTERM)
	if status := in.wait(); status != exitOK {
		t.Error(status)
	}
	if _, err := os.Stat(path(0)); err != nil {
		t.Errorf("the path of a socket of somebody else's is gone: %v", err)
	}
}

// TestSocketsThatAreNotUnderstood are refused, with what to do.
func TestSocketsThatAreNotUnderstood(t *testing.T) {
	t.Parallel()
	root := gatedApp(t)
	dir := t.TempDir()
	listen := func(name string) *os.File {
		listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(dir, name), Net: "unix"})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = listener.Close() })
		file, err := listener.File()
		if err != nil {
			t.Fatal(err)
		}
		return file
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	for names, test := range map[string]struct {
		files []*os.File
		want  string
	}{
		"shop.socket":   {[]*os.File{listen("a")}, `nothing is known of one called "shop.socket"`},
		"slot-0":        {[]*os.File{listen("b")}, `it listens at ` + filepath.Join(dir, "b")},
		"slot-1":        {[]*os.File{listen("c")}, "the launcher is to have 1 worker"},
		"slot-0:slot-0": {[]*os.File{listen("d"), listen("e")}, "there are two of them"},
		"http":          {[]*os.File{null}, "is not a listening stream socket"},
	} {
		a := start(t, startOptions{root: root, program: "/bin/sh", files: test.files, env: []string{"LISTEN_FDNAMES=" + names, fmt.Sprintf("LISTEN_FDS=%d", len(test.files))},
			args: []string{"-c", `export LISTEN_PID=$$; exec "$@"`, "sh", os.Args[0], "1"}})
		if status := a.wait(); status == exitOK || !strings.Contains(a.log(), test.want) || !strings.Contains(a.log(), "Try: ") {
			t.Errorf("%s: %d, %s", names, status, a.log())
		}
	}
}

// TestAnotherLauncherInTheSameProcess follows at USR2: the pid stays, and requests wait for it. What is no launcher does not follow.
func TestAnotherLauncherInTheSameProcess(t *testing.T) {
	t.Parallel()
	root := gatedApp(t)
	// The program is a file that a later version takes the place of.
	program := filepath.Join(t.TempDir(), "launcher")
	install := func(what string) {
		fresh := program + ".new"
		write(t, fresh, "#!/bin/bash\n"+what)
		if err := errors.Join(os.Chmod(fresh, 0o755), os.Rename(fresh, program)); err != nil {
			t.Fatal(err)
		}
	}
	runs := func(version string) string {
		return asLauncher + "=1 LAUNCHER_TEST_VERSION=" + version + ` exec -a "$0" ` + os.Args[0] + ` "$@"`
	}
	install(runs("1"))
	address := "127.0.0.1:" + strconv.Itoa(freePorts(t, 1))
	in := start(t, startOptions{root: root, program: program, args: []string{"2", "--http", address}})
	in.waitLine(`workers are ready`)
	versionOf := func() string {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", in.cmd.Process.Pid))
		if err != nil {
			t.Fatal(err)
		}
		return regexp.MustCompile(`LAUNCHER_TEST_VERSION=(\d+)`).FindString(string(text))
	}
	visitors := visitWeb(in.behindLighttpd(2), "http://"+address)
	install("exit 3")
	in.signal(syscall.SIGUSR2)
	in.waitLine(`the launcher goes on as it is.*signal=USR2`)
	for round, version := range []string{"2", "3"} {
		install(runs(version))
		in.signal(syscall.SIGUSR2)
		in.waitLines(`workers are ready`, round+2)
		if got := versionOf(); got != "LAUNCHER_TEST_VERSION="+version {
			t.Errorf("%s runs", got)
		}
	}
	visitors.end(t)
	in.signal(syscall.SIGTERM)
	if status := in.wait(); status != exitOK {
		t.Error(status)
	}
	if _, err := os.Stat(in.socket(0)); err == nil {
		t.Error("a socket is left behind")
	}
}

// TestStopWhileAnotherLauncherIsAsked: a program that does not tell its version holds up no stop.
func TestStopWhileAnotherLauncherIsAsked(t *testing.T) {
	t.Parallel()
	program, asked := filepath.Join(t.TempDir(), "launcher"), filepath.Join(t.TempDir(), "asked")
	write(t, program, "#!/bin/bash\n[ \"$1\" = version ] && { touch "+asked+"; exec sleep 1000; }\n"+asLauncher+`=1 exec -a "$0" `+os.Args[0]+` "$@"`)
	if err := os.Chmod(program, 0o755); err != nil {
		t.Fatal(err)
	}
	in := start(t, startOptions{root: copyApp(t, "hello"), program: program, args: []string{"1"}}).serving()
	in.signal(syscall.SIGUSR2)
	in.waitFor("the question", func() bool { return exists(asked) })
	in.signal(syscall.SIGTERM)
	in.gone(0)
	if in.count("goes on as it is") > 0 {
		t.Error("the stop has waited for the answer")
	}
}
