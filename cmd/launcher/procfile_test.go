//go:build linux

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// run runs a program to its end, and returns what it printed.
func run(t testing.TB, dir string, env []string, program string, args ...string) (string, error) {
	t.Helper()
	cmd := exec.Command(tool(t, program), args...)
	cmd.Dir, cmd.Env = dir, append(cleanEnv(), env...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// launcherScript is this test's binary as a program called launcher, for who starts it with an environment of their own.
func launcherScript(t testing.TB, dir string) string {
	t.Helper()
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "launcher")
	write(t, path, fmt.Sprintf("#!/bin/sh\n%s=1 LAUNCHER_ALLOW_ROOT=1 exec %s \"$@\"\n", asLauncher, binary))
	if err := os.Chmod(path, 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

func responds(text string) string { return "run ->(_env) { [200, {}, ['" + text + "']] }\n" }

// TestProcfile: foreman runs the recipe, at the port and with the workers that it tells, and Ctrl-C ends both in order.
func TestProcfile(t *testing.T) {
	t.Parallel()
	root := writeApp(t, map[string]string{"config.ru": responds("hello")})
	if err := os.CopyFS(root, os.DirFS(filepath.Join(sourceRoot(t), "cmd", "launcher", "recipes", "procfile"))); err != nil {
		t.Fatal(err)
	}
	port := strconv.Itoa(freePort(t))
	bin := filepath.Dir(launcherScript(t, t.TempDir()))
	foreman := start(t, startOptions{root: root, program: tool(t, "foreman"), env: []string{"PATH=" + bin + ":" + os.Getenv("PATH")}, args: []string{"start", "-p", port}})
	url := "http://127.0.0.1:" + port + "/"
	waitFor(t, "the application", func() bool {
		got := fetch(client(), "GET", url, nil)
		return got.err == nil && got.body == "hello"
	})
	waitFor(t, "two workers", func() bool { return len(foreman.titled("launcher worker ")) == 2 })
	foreman.signal(syscall.SIGINT)
	if status := foreman.wait(); status != exitOK {
		t.Errorf("exit status %d", status)
	}
	if out := foreman.stdout.String(); !strings.Contains(out, "msg=stopping signal=TERM") || !strings.Contains(out, "exited with code 0") {
		t.Errorf("%s", out)
	}
}

// TestCapistranoRecipe: Capistrano reads it, with all that it hooks into; make recipes deploys with it.
func TestCapistranoRecipe(t *testing.T) {
	t.Parallel()
	out, err := run(t, filepath.Join(sourceRoot(t), "cmd", "launcher", "recipes", "capistrano"), nil, "cap", "production", "--tasks", "launcher")
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, task := range []string{"launcher:folder", "launcher:restart", "launcher:status"} {
		if !strings.Contains(out, "cap "+task+" ") {
			t.Errorf("%s is missing: %s", task, out)
		}
	}
}
