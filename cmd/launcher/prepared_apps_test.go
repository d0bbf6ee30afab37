//go:build linux

package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// preparedApps are the applications of testdata/apps that have to be set up before they can be
// copied: once for all tests, because that loads Rails.
var preparedApps appCache

type appCache struct {
	mu  sync.Mutex
	dir string // below it one folder each, "" as long as there is none
}

// path is where an application can be copied from.
func (c *appCache) path(t testing.TB, name string) string {
	t.Helper()
	source := filepath.Join("..", "..", "testdata", "apps", name)
	if _, err := os.Stat(filepath.Join(source, "bin", "setup")); err != nil {
		return source
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	root := filepath.Join(c.dir, name)
	if c.dir != "" {
		if _, err := os.Stat(root); err == nil {
			return root
		}
	}
	if err := c.prepare(t, source, name); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(c.dir, name)
}

func (c *appCache) prepare(t testing.TB, source, name string) error {
	var err error
	if c.dir == "" {
		if c.dir, err = os.MkdirTemp("", "la"); err != nil {
			return err
		}
	}
	// It gets its name when it is complete.
	half := filepath.Join(c.dir, "half")
	if err := os.CopyFS(half, os.DirFS(source)); err != nil {
		return err
	}
	if err := runRuby(t, half, "bin/setup"); err != nil {
		return errors.Join(err, os.RemoveAll(half))
	}
	return os.Rename(half, filepath.Join(c.dir, name))
}

// runRuby runs a file of an application's to its end.
func runRuby(t testing.TB, root, file string, env ...string) error {
	t.Helper()
	cmd := exec.Command(tool(t, "ruby"), filepath.Join(root, file))
	cmd.Dir, cmd.Env = root, append(append(os.Environ(), "RAILS_ENV=production"), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("run %s: %w\n%s", file, err, out)
	}
	return nil
}

func (c *appCache) remove() {
	if c.dir != "" {
		_ = os.RemoveAll(c.dir)
	}
}
