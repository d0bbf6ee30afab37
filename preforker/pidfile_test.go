package preforker

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

func TestPidFile(t *testing.T) {
	dir := shortDir(t)
	path := filepath.Join(dir, pidFileName)
	first, err := lockPidFile(dir)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(path); string(text) != strconv.Itoa(os.Getpid())+"\n" || first.predecessor != 0 {
		t.Errorf("%q, %v, predecessor %d", text, err, first.predecessor)
	}
	// The lock belongs to the open file, so this process can stand for another one.
	if second, err := lockPidFile(dir); err == nil || second != nil ||
		!strings.Contains(err.Error(), fmt.Sprintf("already running, pid %d", os.Getpid())) ||
		!strings.Contains(hint(err), fmt.Sprintf("kill %d", os.Getpid())) {
		t.Errorf("%v, %q", err, hint(err))
	}
	first.release()
	if got := names(t, dir); len(got) != 0 {
		t.Errorf("released: %q", got)
	}
	for text, want := range map[string]int{"4711\n": 4711, "": 0, "nonsense": 0, "99999\n and more": 0} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		p, err := lockPidFile(dir)
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := os.ReadFile(path); p.predecessor != want || string(got) != strconv.Itoa(os.Getpid())+"\n" {
			t.Errorf("%q: predecessor %d, want %d; the file is %q", text, p.predecessor, want, got)
		}
		p.release()
	}
}

// TestPidFileRemovedMeanwhile: a lock on a file that has lost its name keeps nobody out.
func TestPidFileRemovedMeanwhile(t *testing.T) {
	dir := shortDir(t)
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
	if p, err := lockPidFile(filepath.Join(shortDir(t), "nowhere")); p != nil || err == nil || hint(err) == "" {
		t.Errorf("%v", err)
	}
}

// TestPidFileOfAnotherIsLeftAlone: ours was removed, and another launcher has made its own.
func TestPidFileOfAnotherIsLeftAlone(t *testing.T) {
	dir := t.TempDir()
	ours, err := lockPidFile(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(ours.path); err != nil {
		t.Fatal(err)
	}
	theirs, err := lockPidFile(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer theirs.release()
	ours.release()
	if _, err := os.Stat(theirs.path); err != nil {
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
	if p, err := lockPidFile(dir); err == nil {
		p.release()
		t.Error("a link was followed")
	}
	if text, _ := os.ReadFile(precious); string(text) != "precious" {
		t.Errorf("its target is %q", text)
	}
}
