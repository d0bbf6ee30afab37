//go:build linux

package main

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"launcher/preforker/control"
)

// release makes a release that responds with a text, and has the link lead to it.
func release(t *testing.T, shop, name, text string, files map[string]string) {
	t.Helper()
	dir := filepath.Join(shop, "releases", name)
	if err := errors.Join(os.MkdirAll(filepath.Join(dir, "config"), 0o755), os.MkdirAll(filepath.Join(shop, "shared"), 0o755)); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "config.ru"), "run ->(_env) { [200, {}, ["+text+"]] }\n")
	for name, content := range files {
		write(t, filepath.Join(dir, name), content)
	}
	fresh := filepath.Join(shop, "fresh")
	if err := errors.Join(os.Symlink(filepath.Join("releases", name), fresh), os.Rename(fresh, filepath.Join(shop, currentLink))); err != nil {
		t.Fatal(err)
	}
}

// shortFolder is one whose path leaves room for a socket's name.
func shortFolder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "ld")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// TestDeploy as systemd starts it: the working folder is a link, and nothing says so. HUP loads what the link leads to by
// then, also when the older release is gone; where there is nothing, the older one serves on.
func TestDeploy(t *testing.T) {
	t.Parallel()
	shop := shortFolder(t)
	release(t, shop, "1", "'one'", nil)
	run := filepath.Join(shop, "run")
	in := start(t, startOptions{root: filepath.Join(shop, currentLink), env: []string{"PWD="}, args: []string{"2", "--socket-dir", run}}).serving()
	in.waitLine(`msg="the application is known by the link that leads to it .*root=` + shop + "/current")
	if n := in.count("level=WARN.*release"); n != 0 {
		t.Errorf("%d warnings", n)
	}
	socket := filepath.Join(run, "fastcgi.socket-0")
	release(t, shop, "2", "$hook.to_s", map[string]string{"config/launcher.rb": "$hook = 'two'\n"})
	in.signal(syscall.SIGHUP)
	in.rolled(1, 2, 2)
	if a := ask(t, socket, "/"); !a.is("two") {
		t.Errorf("after the deploy: %v", a)
	}
	release(t, shop, "3", "'three'", nil)
	if err := os.RemoveAll(filepath.Join(shop, "releases", "2")); err != nil {
		t.Fatal(err)
	}
	in.signal(syscall.SIGHUP)
	in.rolled(2, 3, 2)
	if a := ask(t, socket, "/"); !a.is("three") {
		t.Errorf("after the older release was removed: %v", a)
	}
	// The one that runs is removed, with nothing in its place.
	remove(t, filepath.Join(shop, currentLink))
	if err := os.RemoveAll(filepath.Join(shop, "releases", "3")); err != nil {
		t.Fatal(err)
	}
	in.signal(syscall.SIGHUP)
	in.waitLine(`msg="generation failed to load; the workers that are there serve on" gen=4 error="find application: ` + shop + `/current is not a folder"`)
	if a := ask(t, socket, "/"); !a.is("three") {
		t.Errorf("with no release at all: %v", a)
	}
	status, _, err := control.AskStatus(t.Context(), run)
	if err != nil {
		t.Fatal(err)
	}
	for _, slot := range status.Slots { // workers come and go in a folder that is not there
		kill(t, slot.Workers[len(slot.Workers)-1].Pid, syscall.SIGKILL)
	}
	in.waitLines(`msg="worker is ready" slot=0 gen=3`, 2)
	in.waitLines(`msg="worker is ready" slot=1 gen=3`, 2)
	if a := ask(t, socket, "/"); !a.is("three") {
		t.Errorf("a new worker of a release that is gone: %v", a)
	}
	release(t, shop, "5", "'five'", nil)
	in.signal(syscall.SIGHUP)
	in.rolled(3, 5, 2)
	if a := ask(t, socket, "/"); !a.is("five") {
		t.Errorf("after all: %v", a)
	}
}

// TestDeployWithTheSocketsInTheRelease is warned of; the sockets follow the link.
func TestDeployWithTheSocketsInTheRelease(t *testing.T) {
	t.Parallel()
	shop := shortFolder(t)
	release(t, shop, "1", "'one'", nil)
	root := filepath.Join(shop, currentLink)
	in := start(t, startOptions{root: root, env: []string{"PWD="}, args: []string{"1"}}).serving()
	in.waitLine(`level=WARN msg="the sockets are in a release, ` + shop + `/releases/1: .*--socket-dir /run/`)
	release(t, shop, "2", "'two'", nil)
	in.waitLine(`the sockets are bound anew" slots=\[0\]`)
	in.signal(syscall.SIGHUP)
	in.rolled(1, 2, 1)
	if a := ask(t, in.socket(0), "/"); !a.is("two") {
		t.Errorf("%v", a)
	}
	if left := listing(t, filepath.Join(shop, "releases", "1", "log")); len(left) != 3 { // the folder, the configuration, the heap
		t.Errorf("the older release has %q", left)
	}
}
