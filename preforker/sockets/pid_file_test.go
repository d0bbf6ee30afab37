package sockets

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"launcher/preforker/hint"
	"launcher/preforker/internal/testdir"
	"launcher/preforker/linux"
)

func TestPidFile(t *testing.T) {
	dir := testdir.Short(t)
	path := filepath.Join(dir, pidFileName)
	first, err := LockPidFile(dir)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(path); string(text) != strconv.Itoa(os.Getpid())+"\n" || first.Predecessor != 0 {
		t.Errorf("%q, %v, predecessor %d", text, err, first.Predecessor)
	}
	// Who can open it can lock it, and would keep the next launcher from starting.
	if info, err := os.Lstat(path); err != nil || info.Mode() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	// The lock belongs to the open file, so this process can stand for another one.
	if second, err := LockPidFile(dir); err == nil || second != nil ||
		!strings.Contains(err.Error(), "somebody else has locked") || !strings.Contains(hint.Of(err), "fuser") {
		t.Errorf("%v, %q", err, hint.Of(err))
	}
	first.Release()
	if got := testdir.Names(t, dir); len(got) != 0 {
		t.Errorf("released: %q", got)
	}
	for text, want := range map[string]int{"4711\n": 4711, "": 0, "nonsense": 0, "99999\n and more": 0,
		"-1\n": 0, "0\n": 0, "99999999999999999999\n": 0, "4294967297\n": 0, "1" + strings.Repeat(" ", 1000): 0, "\x00\x00": 0} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		p, err := LockPidFile(dir)
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := os.ReadFile(path); p.Predecessor != want || string(got) != strconv.Itoa(os.Getpid())+"\n" {
			t.Errorf("%q: predecessor %d, want %d; the file is %q", text, p.Predecessor, want, got)
		}
		p.Release()
	}
}

// TestPidFileRemovedMeanwhile: a lock on a file that has lost its name keeps nobody out.
func TestPidFileRemovedMeanwhile(t *testing.T) {
	dir := testdir.Short(t)
	path := filepath.Join(dir, pidFileName)
	for name, meanwhile := range map[string]func() error{
		"gone":     func() error { return os.Remove(path) },
		"replaced": func() error { return errors.Join(os.Remove(path), os.WriteFile(path, nil, 0o600)) },
	} {
		file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		if err := meanwhile(); err != nil {
			t.Fatal(err)
		}
		if p, again, err := lockOpened(file, path); p != nil || !again || err != nil {
			t.Errorf("%s: %v, again %v, %v", name, p, again, err)
		}
		_ = file.Close()
	}
}

func TestPidFileThatCannotBeMade(t *testing.T) {
	if p, err := LockPidFile(filepath.Join(testdir.Short(t), "nowhere")); p != nil || err == nil || hint.Of(err) == "" {
		t.Errorf("%v", err)
	}
}

// TestPidFileOfAnotherIsLeftAlone: ours was removed, and another launcher has made its own.
func TestPidFileOfAnotherIsLeftAlone(t *testing.T) {
	dir := t.TempDir()
	ours, err := LockPidFile(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(ours.Path); err != nil {
		t.Fatal(err)
	}
	theirs, err := LockPidFile(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer theirs.Release()
	ours.Release()
	if _, err := os.Stat(theirs.Path); err != nil {
		t.Errorf("the other's pid file: %v", err)
	}
}

// TestPidFileIsNoLink: a folder that somebody else may write could lead anywhere.
func TestPidFileIsNoLink(t *testing.T) {
	dir := t.TempDir()
	precious := filepath.Join(t.TempDir(), "precious")
	if err := os.WriteFile(precious, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(precious, filepath.Join(dir, pidFileName)); err != nil {
		t.Fatal(err)
	}
	if p, err := LockPidFile(dir); err == nil {
		p.Release()
		t.Error("a link was followed")
	}
	if text, _ := os.ReadFile(precious); string(text) != "precious" {
		t.Errorf("its target is %q", text)
	}
}

// TestPidFileOfAnotherProcess: who has it is known by what that process has open.
func TestPidFileOfAnotherProcess(t *testing.T) {
	if dir := os.Getenv("TEST_PID_FILE_IN"); dir != "" {
		if _, err := LockPidFile(dir); err != nil {
			t.Fatal(err)
		}
		fmt.Println("locked")
		_, _ = io.Copy(io.Discard, os.Stdin)
		return // it is left behind, as by one that is killed
	}
	dir := testdir.Short(t)
	for _, predecessor := range []int{0, 1} { // by a link, by a rename
		cmd := exec.Command(os.Args[0], "-test.run=^TestPidFileOfAnotherProcess$")
		cmd.Env = append(os.Environ(), "TEST_PID_FILE_IN="+dir)
		in, err := cmd.StdinPipe()
		out, err2 := cmd.StdoutPipe()
		if err := errors.Join(err, err2, cmd.Start()); err != nil {
			t.Fatal(err)
		}
		if line, err := bufio.NewReader(out).ReadString('\n'); line != "locked\n" {
			t.Fatalf("%q, %v", line, err)
		}
		if _, err := LockPidFile(dir); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("already running, pid %d", cmd.Process.Pid)) ||
			!strings.Contains(hint.Of(err), fmt.Sprintf("kill %d", cmd.Process.Pid)) {
			t.Errorf("after %d others: %v, %q", predecessor, err, hint.Of(err))
		}
		_ = in.Close()
		_ = cmd.Wait()
	}
}

// TestPidFileThatIsNoFile: nothing that is there blocks, and it is left alone.
func TestPidFileThatIsNoFile(t *testing.T) {
	for name, put := range testdir.NotFiles {
		dir := testdir.Short(t)
		path := filepath.Join(dir, pidFileName)
		put(t, path)
		before, err := os.Lstat(path)
		if err != nil {
			t.Fatal(err)
		}
		if p, err := LockPidFile(dir); p != nil || err == nil || !strings.Contains(err.Error(), "is not a file; it was left alone") || hint.Of(err) == "" {
			t.Errorf("%s: %v, %q", name, err, hint.Of(err))
		}
		if after, err := os.Lstat(path); err != nil || !os.SameFile(before, after) {
			t.Errorf("%s: %v", name, err)
		}
	}
	dir := testdir.Short(t)
	path := filepath.Join(dir, pidFileName)
	testdir.TenGigabytes(t, path)
	precious := filepath.Join(dir, "precious")
	if err := os.Link(path, precious); err != nil {
		t.Fatal(err)
	}
	p, err := LockPidFile(dir)
	if err != nil || p.Predecessor != 0 {
		t.Fatalf("ten gigabytes: %v", err)
	}
	defer p.Release()
	if info, err := os.Lstat(precious); err != nil || info.Size() != 10<<30 {
		t.Errorf("a file that had the same name was written to: %v, %v", info, err)
	}
}

// TestPidFileThatSomebodyElseHasLocked names no process that is not known to hold it.
func TestPidFileThatSomebodyElseHasLocked(t *testing.T) {
	for _, text := range []string{"", "nonsense", "1\n", strconv.Itoa(os.Getppid()) + "\n", strconv.Itoa(os.Getpid()) + "\n"} {
		dir := testdir.Short(t)
		path := filepath.Join(dir, pidFileName)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		file, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		if locked, err := linux.TryLock(file); !locked || err != nil {
			t.Fatal(err)
		}
		if p, err := LockPidFile(dir); p != nil || err == nil || !strings.Contains(err.Error(), "somebody else has locked "+path) ||
			strings.Contains(err.Error()+hint.Of(err), "pid ") || strings.Contains(hint.Of(err), "kill") || !strings.Contains(hint.Of(err), "fuser") {
			t.Errorf("%q: %v, %q", text, err, hint.Of(err))
		}
		_ = file.Close()
		p, err := LockPidFile(dir)
		if err != nil {
			t.Fatal(err)
		}
		p.Release()
	}
}

// TestPidFileIsTakenByOne of many that start at once, whether one that was killed has left its own.
func TestPidFileIsTakenByOne(t *testing.T) {
	for _, before := range []string{"", "4711\n"} {
		dir := testdir.Short(t)
		if before != "" {
			if err := os.WriteFile(filepath.Join(dir, pidFileName), []byte(before), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		var tasks sync.WaitGroup
		taken := make(chan *PidFile, 16)
		for range cap(taken) {
			tasks.Go(func() {
				if p, err := LockPidFile(dir); err == nil {
					taken <- p
				}
			})
		}
		tasks.Wait()
		if len(taken) != 1 {
			t.Fatalf("%d have it", len(taken))
		}
		if got := testdir.Names(t, dir); len(got) != 1 {
			t.Errorf("the folder has %q", got)
		}
		(<-taken).Release()
	}
}
