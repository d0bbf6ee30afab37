//go:build linux

package main

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"launcher/preforker/control"
)

// TestStatusIsNotHeldUp: neither the workers nor the next question are, by what clients do to the control
// socket.
func TestStatusIsNotHeldUp(t *testing.T) {
	t.Parallel()
	in := start(t, startOptions{root: copyApp(t, "hello"), args: []string{"2"}}).serving()
	socket := filepath.Join(in.root, "log", control.SocketName)
	for n := range 40 {
		conn, err := net.Dial("unix", socket)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		switch n % 4 { // whoever is slow is cut off, where others wait
		case 0: // says nothing
		case 1: // does not read
			_, _ = io.WriteString(conn, "status\n")
		case 2: // talks nonsense, and leaves
			_, _ = io.WriteString(conn, "GET / HTTP/1.1\r\n\r\n")
			_ = conn.Close()
		case 3: // says more than anybody wants to know
			_, _ = conn.Write(bytes.Repeat([]byte{0xff, 0}, 1<<15))
		}
	}
	if a := ask(t, in.socket(1), "/"); !a.is("hello\n") {
		t.Errorf("%v", a)
	}
	if status := in.status(); status.State != "running" || len(status.Slots) != 2 {
		t.Errorf("%+v", status)
	}
	in.signal(syscall.SIGTERM)
	in.gone(0)
}

func TestStatusOfNoLauncher(t *testing.T) {
	t.Parallel()
	root := copyApp(t, "hello")
	for _, test := range []struct {
		args      []string
		exit      int
		says, try string
	}{
		{nil, exitFailed, "launcher: find launcher: none runs with its sockets in " + root + "/log", "--socket-dir"},
		{[]string{"--json", "--socket-dir", "/nowhere"}, exitFailed, "none runs with its sockets in /nowhere", "--socket-dir"},
		{[]string{"--root", "config.ru"}, exitFailed, "none runs with its sockets in " + root + "/config.ru/log", "--socket-dir"},
		{[]string{"2"}, exitUsage, `status takes options alone, not "2"`, "launcher status"},
		{[]string{"--jsn"}, exitUsage, "there is no option --jsn; did you mean --json?", "launcher status --help"},
	} {
		a := askStatus(t, startOptions{root: root, args: test.args}, nil)
		_, try, _ := strings.Cut(a.stderr, "\nTry: ")
		if a.exit != test.exit || a.stdout != "" || !strings.Contains(a.stderr, test.says) || !strings.Contains(try, test.try) {
			t.Errorf("%q: %+v", test.args, a)
		}
	}
}

// TestStatusOfTwoLaunchers, by their folders; and of one that was killed, and of its successor.
func TestStatusOfTwoLaunchers(t *testing.T) {
	t.Parallel()
	one := start(t, startOptions{root: copyApp(t, "hello"), args: []string{"1"}}).serving()
	two := start(t, startOptions{root: copyApp(t, "hello"), args: []string{"2"}}).serving()
	if a, b := len(one.status().Slots), len(two.status().Slots); a != 1 || b != 2 {
		t.Errorf("%d and %d slots", a, b)
	}
	third := start(t, startOptions{root: two.root, args: []string{"3"}, shared: true})
	if third.wait() != exitFailed || len(two.status().Slots) != 2 {
		t.Error("a third one has taken the place of the second")
	}
	one.killed()
	one.waitFor("its socket to be known as stale", func() bool { // its first thread has ended, and the others may not have
		a := askStatus(t, startOptions{root: one.root}, nil)
		if a.exit != exitFailed || a.stdout != "" {
			t.Errorf("%+v", a)
		}
		return strings.Contains(a.stderr, "the one that left launcher.sock was killed")
	})
	successor := start(t, startOptions{root: one.root, args: []string{"1"}}).serving()
	if got := len(successor.status().Slots); got != 1 {
		t.Errorf("%d slots", got)
	}
	successor.signal(syscall.SIGTERM)
	successor.gone(0)
}

// TestStatusForTheOwnerAlone asks as nobody, where it can, and else takes the permission away.
func TestStatusForTheOwnerAlone(t *testing.T) {
	t.Parallel()
	in := start(t, startOptions{root: copyApp(t, "hello"), args: []string{"1"}}).serving()
	o := startOptions{root: in.root}
	socket := filepath.Join(in.root, "log", control.SocketName)
	if info, err := os.Lstat(socket); err != nil || info.Mode() != os.ModeSocket|0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if os.Getuid() == 0 {
		o.program = filepath.Join(filepath.Dir(in.root), "launcher")
		if err := errors.Join(os.Chmod(filepath.Dir(in.root), 0o755), copyFile(os.Args[0], o.program, 0o755)); err != nil {
			t.Fatal(err)
		}
		o.attr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	} else if err := os.Chmod(socket, 0); err != nil {
		t.Fatal(err)
	}
	a := askStatus(t, o, nil)
	if a.exit != exitFailed || a.stdout != "" || !strings.Contains(a.stderr, socket+" may be asked by its owner alone\nTry: ") ||
		!strings.Contains(a.stderr, "sudo -u ") {
		t.Errorf("%+v", a)
	}
}
