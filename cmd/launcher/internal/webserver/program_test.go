package webserver

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"launcher/preforker/hint"
)

func program() Program {
	return Program{Name: "Server", Package: "server", Commands: []string{"server"}, Version: []string{"-v"}, Test: []string{"-t"},
		Printed: regexp.MustCompile(`server/([0-9.]+)`), Ignored: regexp.MustCompile(`unknown`), Oldest: Version{1, 2, 0}, Default: Version{1, 4, 0}}
}

// script returns the path of a program that stands in for a web server.
func script(t *testing.T, body string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "server")
	syscall.ForkLock.RLock() // what another test's fork has open for writing cannot be executed
	defer syscall.ForkLock.RUnlock()
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+body+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestParseVersion(t *testing.T) {
	for text, want := range map[string]Version{"1.22.1": {1, 22, 1}, "2.6": {2, 6, 0}, "v2.6.2": {2, 6, 2}, "2.6.12-1+deb12u1": {2, 6, 12}, "3.0.0 (Debian)": {3, 0, 0}} {
		if got, err := program().ParseVersion(text); err != nil || got != want {
			t.Errorf("%q: %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "2", "2.", "a.b", "1.2.3.4", "1.22222", "nginx/1.22.1", " 1.2", "1.2\n"} {
		if got, err := program().ParseVersion(text); err == nil || hint.Of(err) == "" {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
}

func TestFind(t *testing.T) {
	got, err := program().Find(t.Context(), script(t, `[ "$1" = -v ] && echo "Server version: server/2.4.62 (Debian)" >&2`))
	if err != nil || got != (Version{2, 4, 62}) {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := program().Find(t.Context(), script(t, "exit 3")); err == nil || !strings.Contains(err.Error(), "exit status 3") {
		t.Errorf("a program that fails: %v", err)
	}
}

// TestCheckFolder: what the web server makes while it tests a file is in a folder that is gone afterwards.
func TestCheckFolder(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	config := Config{Test: func(folder string) string { return folder + "\n" }}
	command := script(t, `[ "$1" = -t ] || exit 4; folder=$(cat "$2"); echo made >"$folder/file"; echo home >"$HOME/file"; echo "in $2"`)
	if err := program().Check(t.Context(), command, config); err != nil {
		t.Error(err)
	}
	for name, body := range map[string]string{"refused": `echo "$2: refused"; exit 1`, "unknown": `echo "$2: unknown"`} {
		err := program().Check(t.Context(), script(t, body), config)
		if err == nil || !strings.Contains(err.Error(), "configuration: "+name) || strings.Contains(err.Error(), temp) || hint.Of(err) == "" {
			t.Errorf("%s: %v, hint %q", name, err, hint.Of(err))
		}
	}
	if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestSupports(t *testing.T) {
	for version, want := range map[Version]bool{{1, 1, 99}: false, {1, 2, 0}: true, {0, 9, 9}: false, {2, 0, 0}: true} {
		if err := program().Supports(version); (err == nil) != want {
			t.Errorf("%v: %v", version, err)
		}
	}
}
