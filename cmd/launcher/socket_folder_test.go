//go:build linux

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestSocketFilesAreRemoved as people do it who clean log/: what waits is served, the sockets come back, and
// status tells the truth.
func TestSocketFilesAreRemoved(t *testing.T) {
	t.Parallel()
	in := start(t, startOptions{root: versionedApp(t), args: []string{"2"}}).serving()
	frozen := in.worker(0)
	freeze(t, frozen)
	var waiting []*queued
	for range 3 {
		waiting = append(waiting, queue(t, in.socket(0), "/"))
	}
	in.unseen(func() { clean(t, filepath.Join(in.root, "log")) })
	in.waitLine(`level=WARN msg="pid file was removed or replaced; it is written anew" path=` + in.root + `/log/launcher.pid`)
	in.waitLine(`level=WARN msg="socket files were removed or replaced; the sockets are bound anew" slots="\[0 1\]"`)
	for _, q := range waiting {
		if a := q.answer(); !a.is("one") {
			t.Errorf("a request that waited: %v", a)
		}
	}
	for _, socket := range in.sockets(2) {
		if a := ask(t, socket, "/"); !a.is("one") {
			t.Errorf("%s: %v", socket, a)
		}
	}
	kill(t, frozen, syscall.SIGCONT)
	in.waitLine(fmt.Sprintf(`msg="worker left" slot=0 gen=1 pid=%d exit="exit status 0" .*reason="its socket was removed"`, frozen))
	for _, slot := range in.status().Slots {
		if !slot.Open || len(slot.Workers) != 1 {
			t.Errorf("%+v", slot)
		}
	}

	in.unseen(func() {
		if err := os.RemoveAll(filepath.Join(in.root, "log")); err != nil {
			t.Fatal(err)
		}
	})
	in.waitLines(`the sockets are bound anew" slots="\[0 1\]"`, 2)
	for _, socket := range in.sockets(2) {
		if a := ask(t, socket, "/"); !a.is("one") {
			t.Errorf("%s: %v", socket, a)
		}
	}
	refused{startOptions{root: in.root, args: []string{"1"}}, exitFailed,
		[]string{fmt.Sprintf("already running, pid %d", in.cmd.Process.Pid), "kill"}}.beside(t, in)
	in.signal(syscall.SIGTERM)
	if status := in.wait(); status != exitOK {
		t.Errorf("exit status %d", status)
	}
	if left := listing(t, filepath.Join(in.root, "log")); len(left) != 3 { // the folder itself, the configuration, the heap
		t.Errorf("left behind: %q", left)
	}
}

// unseen does something at once, as far as the launcher can tell: it is stopped meanwhile.
func (in *instance) unseen(do func()) {
	in.t.Helper()
	freeze(in.t, in.cmd.Process.Pid)
	defer kill(in.t, in.cmd.Process.Pid, syscall.SIGCONT)
	do()
}

// clean removes every file of a folder, as rm does.
func clean(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		remove(t, filepath.Join(dir, entry.Name()))
	}
}

// TestFolderIsTakenByAnotherLauncher while this one is held up: the two do not fight, and this one comes back when
// the other has left.
func TestFolderIsTakenByAnotherLauncher(t *testing.T) {
	t.Parallel()
	root := versionedApp(t)
	in := start(t, startOptions{root: root, args: []string{"1"}, shared: true}).serving()
	freeze(t, in.cmd.Process.Pid)
	clean(t, filepath.Join(root, "log"))
	other := start(t, startOptions{root: root, args: []string{"1"}, shared: true}).serving()
	in.signal(syscall.SIGCONT)
	in.waitLine(fmt.Sprintf(`level=ERROR msg="files could not be put back .*already running, pid %d`, other.cmd.Process.Pid))
	in.waitLine(`msg="worker left" .*reason="its socket was removed"`)
	if a := ask(t, other.socket(0), "/"); !a.is("one") {
		t.Errorf("the other launcher: %v", a)
	}
	if n := other.count("removed or replaced"); n != 0 {
		t.Errorf("the other launcher misses %d files", n)
	}
	other.signal(syscall.SIGTERM)
	if status := other.wait(); status != exitOK {
		t.Errorf("the other launcher: exit status %d", status)
	}
	in.waitLine(`msg="socket is bound again" slot=0`)
	if a := ask(t, in.socket(0), "/"); !a.is("one") {
		t.Errorf("%v", a)
	}
}

// TestForeignFilesInTheSocketFolder: nothing that is there holds a start up, or is read without an end.
func TestForeignFilesInTheSocketFolder(t *testing.T) {
	t.Parallel()
	root := versionedApp(t)
	log := filepath.Join(root, "log")
	if err := os.Mkdir(log, 0o777); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"launcher.heap", "lighttpd.conf"} {
		if err := syscall.Mkfifo(filepath.Join(log, name), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	for n := range 500 {
		write(t, filepath.Join(log, fmt.Sprintf("fastcgi.socket--%d", n)), "")
	}
	write(t, filepath.Join(log, "fastcgi.socket-99999999999999999999"), "")
	write(t, filepath.Join(log, "fastcgi.socket-01"), "")
	write(t, filepath.Join(log, "launcher.pid"), strings.Repeat("1", 100))
	if err := os.Truncate(filepath.Join(log, "launcher.pid"), 10<<30); err != nil {
		t.Fatal(err)
	}
	in := start(t, startOptions{root: root, args: []string{"1"}}).serving()
	if a := ask(t, in.socket(0), "/"); !a.is("one") {
		t.Errorf("%v", a)
	}
	// While it runs too: at HUP, and while it stops.
	in.unseen(func() {
		remove(t, filepath.Join(log, "launcher.heap"))
		if err := os.Symlink("/dev/zero", filepath.Join(log, "launcher.heap")); err != nil {
			t.Fatal(err)
		}
	})
	in.signal(syscall.SIGHUP)
	in.reached(2)
	in.unseen(func() {
		for _, name := range []string{"launcher.pid", "launcher.sock", "fastcgi.socket-0"} {
			remove(t, filepath.Join(log, name))
			if err := syscall.Mkfifo(filepath.Join(log, name), 0o666); err != nil {
				t.Fatal(err)
			}
		}
	})
	in.waitLine(`msg="files could not be put back .*launcher.pid is there and is not a file; it was left alone`)
	in.signal(syscall.SIGTERM)
	if status := in.wait(); status != exitOK {
		t.Errorf("exit status %d", status)
	}
	for _, name := range []string{"launcher.pid", "launcher.sock", "fastcgi.socket-0"} {
		if info, err := os.Lstat(filepath.Join(log, name)); err != nil || info.Mode().Type() != os.ModeNamedPipe {
			t.Errorf("%s: %v", name, err)
		}
	}
}
