//go:build linux

package main

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"launcher/preforker"
)

// layout makes folders and links below a new folder, whose own path has no links: "a/b" is a folder, "c -> a/b" a link.
func layout(t *testing.T, entries ...string) string {
	t.Helper()
	base, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		name, target, isLink := strings.Cut(entry, " -> ")
		path := filepath.Join(base, name)
		err := os.MkdirAll(filepath.Dir(path), 0o755)
		if isLink {
			err = errors.Join(err, os.Symlink(target, path))
		} else {
			err = errors.Join(err, os.MkdirAll(path, 0o755))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return base
}

// TestWorkingDir: without PWD the folder is known by the link that leads to it, where that is clear.
func TestWorkingDir(t *testing.T) {
	for name, test := range map[string]struct {
		entries   []string
		in, found string
	}{
		"capistrano":           {[]string{"shop/releases/7", "shop/releases/6", "shop/current -> releases/7"}, "shop/current", "shop/current"},
		"a folder of it":       {[]string{"shop/releases/7/web", "shop/current -> releases/7"}, "shop/current/web", "shop/current/web"},
		"beside the release":   {[]string{"shop/r7", "shop/current -> r7"}, "shop/current", "shop/current"},
		"above":                {[]string{"srv/current -> shop/releases/7", "srv/shop/releases/7"}, "srv/current", "srv/current"},
		"in two steps":         {[]string{"shop/releases/7", "shop/stable -> releases/7", "shop/current -> stable"}, "shop/current", "shop/current"},
		"by another name":      {[]string{"shop/releases/7", "shop/live -> releases/7"}, "shop/live", "shop/live"},
		"by two names":         {[]string{"shop/releases/7", "shop/live -> releases/7", "shop/next -> releases/7"}, "shop/live", "shop/releases/7"},
		"current among others": {[]string{"shop/releases/7", "shop/releases/a -> 7", "shop/current -> releases/7"}, "shop/current", "shop/current"},
		"another release":      {[]string{"shop/releases/7", "shop/releases/8", "shop/current -> releases/8"}, "shop/releases/7", "shop/releases/7"},
		"nothing leads here":   {[]string{"shop"}, "shop", "shop"},
		"broken and circular":  {[]string{"shop/releases/7", "shop/current -> nowhere", "shop/7 -> 7"}, "shop/releases/7", "shop/releases/7"},
		"current is a folder":  {[]string{"shop/current"}, "shop/current", "shop/current"},
		"to a folder above":    {[]string{"shop/releases/7", "shop/all -> releases"}, "shop/releases/7", "shop/releases/7"},
	} {
		t.Run(name, func(t *testing.T) {
			base := layout(t, test.entries...)
			t.Chdir(filepath.Join(base, test.in))
			for _, pwd := range []string{"", "/nowhere", "/"} {
				t.Setenv("PWD", pwd)
				if dir, err := workingDir(); err != nil || dir != filepath.Join(base, test.found) {
					t.Errorf("PWD=%q: %q, %v", pwd, dir, err)
				}
			}
			if path, err := absolute("log"); err != nil || path != filepath.Join(base, test.found, "log") {
				t.Errorf("log is %q, %v", path, err)
			}
			// Who has named the folder means it.
			real, _ := filepath.EvalSymlinks(filepath.Join(base, test.in))
			t.Setenv("PWD", real)
			if dir, err := workingDir(); err != nil || dir != real {
				t.Errorf("PWD=%q: %q, %v", real, dir, err)
			}
		})
	}
}

func TestWorkingDirThatIsGone(t *testing.T) {
	dir := layout(t, "gone")
	t.Chdir(filepath.Join(dir, "gone"))
	t.Setenv("PWD", "")
	if err := os.Remove(filepath.Join(dir, "gone")); err != nil {
		t.Fatal(err)
	}
	var hinted interface{ Hint() string }
	if dir, err := workingDir(); !errors.As(err, &hinted) || !strings.Contains(hinted.Hint(), "--root") {
		t.Errorf("%q, %v", dir, err)
	}
	if path, err := absolute("/srv/shop/"); path != "/srv/shop" || err != nil {
		t.Errorf("%q, %v", path, err)
	}
}

func TestDeployWarnings(t *testing.T) {
	t.Parallel()
	const again, sockets = "HUP loads .*/releases/7 again, wherever .*/shop/current leads", "the sockets are in a release, .*--socket-dir /run/shop"
	deployed := []string{"shop/releases/7", "shop/kept/log", "shop/current -> releases/7"}
	for name, test := range map[string]struct {
		entries         []string
		root, socketDir string
		says            []string
	}{
		"by the link":             {deployed, "shop/current", "shop/current/log", []string{sockets}},
		"by the release":          {deployed, "shop/releases/7", "shop/releases/7/log", []string{again, sockets}},
		"sockets elsewhere":       {deployed, "shop/current", "run", nil},
		"release, but elsewhere":  {deployed, "shop/releases/7", "run", []string{again}},
		"a folder that stays":     {append(deployed, "shop/releases/7/log -> ../../kept/log"), "shop/current", "shop/current/log", nil},
		"a release without link":  {[]string{"shop/releases/7"}, "shop/releases/7", "shop/releases/7/tmp/sockets", []string{sockets}},
		"no deploys":              {[]string{"shop"}, "shop", "shop/log", nil},
		"a link to the disk":      {[]string{"disk/shop", "srv -> disk"}, "srv/shop", "srv/shop/log", nil},
		"a folder of the release": {[]string{"shop/releases/7/web", "shop/current -> releases/7"}, "shop/current/web", "shop/current/web/log", []string{"the sockets are in a release"}},
	} {
		base := layout(t, test.entries...)
		warnings := deployWarnings(filepath.Join(base, test.root), filepath.Join(base, test.socketDir))
		if len(warnings) != len(test.says) {
			t.Errorf("%s: %q", name, warnings)
			continue
		}
		for i, pattern := range test.says {
			if !regexp.MustCompile(pattern).MatchString(warnings[i]) {
				t.Errorf("%s: %q, want %q", name, warnings[i], pattern)
			}
		}
	}
}

// release makes a release that answers with a text, and has the link lead to it.
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
	status, _, err := preforker.AskStatus(t.Context(), run)
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
