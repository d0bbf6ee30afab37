//go:build linux

package server

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"launcher/cmd/launcher/internal/experiment"
	"launcher/preforker/linux"
	"launcher/preforker/proc"
)

// installed are the methods that can run where the tests do. Debian has no package of Pitchfork and Falcon.
func installed(t *testing.T) []experiment.Method {
	t.Helper()
	methods := append(experiment.DefaultMethods(), experiment.PumaForkWorker)
	for _, method := range []experiment.Method{experiment.Pitchfork, experiment.Falcon} {
		if _, err := findGem(t.Context(), method, experiment.App{Root: t.TempDir()}); err == nil {
			methods = append(methods, method)
		}
	}
	return methods
}

// patience bounds every wait: it is what a test takes to fail.
const patience = 3 * time.Minute

func TestMain(m *testing.M) {
	os.Exit(testMain(m))
}

// testMain has this process adopt orphans, as an experiment does, and fails where a test
// has left a process behind.
func testMain(m *testing.M) int {
	if err := linux.BecomeSubreaper(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(filepath.Dir(binary.path)) }()
	status := m.Run()
	if left, err := descendants(os.Getpid()); len(left) > 0 || err != nil {
		fmt.Fprintf(os.Stderr, "left behind: %v %v\n", left, err)
		return 1
	}
	return status
}

// binary is the launcher under test.
var binary struct {
	once sync.Once
	path string
	err  error
}

// launcher builds the launcher once, unless LAUNCHER_TEST_BINARY names one.
func launcher(t *testing.T) string {
	t.Helper()
	if path := os.Getenv("LAUNCHER_TEST_BINARY"); path != "" {
		return path
	}
	binary.once.Do(func() {
		dir, err := os.MkdirTemp("", "lb")
		if err != nil {
			binary.err = err
			return
		}
		binary.path = filepath.Join(dir, "launcher")
		out, err := exec.Command("go", "build", "-buildvcs=false", "-o", binary.path, "launcher/cmd/launcher").CombinedOutput()
		if err != nil {
			binary.err = fmt.Errorf("build the launcher: %w\n%s", err, out)
		}
	})
	if binary.err != nil {
		t.Fatal(binary.err)
	}
	return binary.path
}

// shortDir is a folder whose path leaves room for sockets.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "ls")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the folder is kept: %s", dir)
			return
		}
		_ = os.RemoveAll(dir)
	})
	return dir
}

// copyApp gives a test its own copy of an application of testdata/apps.
func copyApp(t *testing.T, name string) string {
	t.Helper()
	root := filepath.Join(shortDir(t), name)
	if err := os.CopyFS(root, os.DirFS(filepath.Join("..", "..", "..", "..", "..", "testdata", "apps", name))); err != nil {
		t.Fatal(err)
	}
	if setup := filepath.Join(root, "bin", "setup"); exists(setup) {
		cmd := exec.Command("ruby", setup)
		cmd.Dir, cmd.Env = root, append(os.Environ(), "RAILS_ENV=production")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", setup, err, out)
		}
	}
	return root
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

func newSpec(t *testing.T, method experiment.Method, root string, workers int) Spec {
	t.Helper()
	spec := Spec{Method: method, Workers: workers,
		App: experiment.App{Root: root, Entry: "config.ru", Environment: "production", Ruby: "ruby"},
		Dir: shortDir(t), Timeout: patience}
	if method.Own() {
		spec.Launcher = launcher(t)
	}
	return spec
}

// up starts a server that the test's end stops.
func up(t *testing.T, spec Spec) *Server {
	t.Helper()
	s, err := Start(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(patience); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Logf("log:\n%s", strings.Join(s.Tail(), "\n"))
		}
		alone(t, s)
	})
	return s
}

// alone checks that nothing is left of a server.
func alone(t *testing.T, s *Server) {
	t.Helper()
	members, err := s.group.members()
	if err != nil || len(members) > 0 {
		t.Errorf("left behind: %v %v", members, err)
	}
}

// childless checks that this process has no descendant. A zombie whose parent ended before it is
// no known member of any server, since it shows no environment: it is reaped.
func childless(t *testing.T) {
	t.Helper()
	all, err := descendants(os.Getpid())
	left := slices.DeleteFunc(all, func(p proc.Process) bool {
		if p.Zombie() && p.Parent == os.Getpid() {
			reap(p.Pid)
		}
		return p.Zombie()
	})
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

func proxy(t *testing.T, backends []Backend) *Proxy {
	t.Helper()
	p, err := StartProxy(t.Context(), filepath.Join(shortDir(t), "proxy"), backends)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Stop(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Logf("lighttpd said:\n%s", strings.Join(p.Tail(), "\n"))
		}
	})
	return p
}

// exited waits for the end of a server's first process.
func exited(t *testing.T, s *Server) error {
	t.Helper()
	select {
	case err := <-s.Exited():
		return err
	case <-time.After(patience):
		t.Fatal("its end was not noticed")
		return nil
	}
}

// startFails checks that a server does not start, and what the error tells.
func startFails(ctx context.Context, t *testing.T, spec Spec, parts ...string) error {
	t.Helper()
	s, err := Start(ctx, spec)
	if err == nil {
		_ = s.Stop(0)
		t.Fatal("it started")
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("the error does not tell %q:\n%v", part, err)
		}
	}
	var failed *StartError
	if errors.As(err, &failed) && len(failed.Tail) > tailLines {
		t.Errorf("%d lines of the log are in the error", len(failed.Tail))
	}
	childless(t)
	return err
}
