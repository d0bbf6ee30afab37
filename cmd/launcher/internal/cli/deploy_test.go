//go:build linux

package cli

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"launcher/preforker/hint"
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
	if dir, err := workingDir(); !strings.Contains(hint.Of(err), "--root") {
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
