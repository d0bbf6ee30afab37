package lighttpd

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestFind(t *testing.T) {
	requireLighttpd(t)
	version, err := Find(t.Context(), "")
	if err != nil || !version.AtLeast(OldestVersion()) {
		t.Errorf("Find = %v, %v", version, err)
	}
}

// script returns the path of a program that stands in for lighttpd.
func script(t *testing.T, body string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "lighttpd")
	syscall.ForkLock.RLock() // what another test's fork has open for writing cannot be executed
	defer syscall.ForkLock.RUnlock()
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+body+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestFindReadsFirstLine(t *testing.T) {
	path := script(t, `test "$*" = -v && printf 'lighttpd/1.4.53 (ssl) - x\nBuild-Date: 9.9.9\n'`)
	version, err := Find(t.Context(), path)
	if err != nil || version != (Version{1, 4, 53}) {
		t.Errorf("Find = %v, %v", version, err)
	}
}

func TestFindFails(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "lighttpd")
	if _, err := Find(t.Context(), missing); err == nil || !strings.Contains(err.Error(), missing) || !strings.Contains(hintOf(err), "install") {
		t.Errorf("missing: error %v, hint %q", err, hintOf(err))
	}
	if _, err := Find(t.Context(), script(t, "echo nginx/1.22.1")); err == nil || !strings.Contains(err.Error(), "nginx/1.22.1") {
		t.Errorf("another program: error %v", err)
	}
	if _, err := Find(t.Context(), script(t, "echo broken >&2; exit 3")); err == nil || !strings.Contains(err.Error(), "exit status 3") {
		t.Errorf("failing program: error %v", err)
	}
	if _, err := Find(t.Context(), "lighttpd-that-nobody-has"); !errors.Is(err, exec.ErrNotFound) {
		t.Errorf("not in PATH: error %v, want exec.ErrNotFound", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Find(ctx, script(t, "exit 0")); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: error %v", err)
	}
}

func TestCheck(t *testing.T) {
	binary := requireLighttpd(t)
	for name, write := range writers() {
		text, err := write(plainSite(), DefaultVersion())
		if err != nil {
			t.Fatal(err)
		}
		if err := Check(t.Context(), binary, text); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCheckFails(t *testing.T) {
	binary := requireLighttpd(t)
	good, err := Snippet(plainSite(), DefaultVersion())
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct{ name, text, want string }{
		{"syntax", good + "server.port = => 1\n", "source: lighttpd.conf line: "},
		{"snippet", "server.port = )\n", "source: lighttpd.conf line: "},
		{"module", strings.Replace(good, "mod_fastcgi", "mod_nobody_has", 1), "mod_nobody_has"},
		{"unknown option", good + "fastcgi.balanse = \"hash\"\n", "fastcgi.balanse"},
		{"unknown backend option", strings.ReplaceAll(good, "check-local", "check_local"), "check_local"},
		{"bad pattern", strings.ReplaceAll(good, "^(.*)$", "^(.*$"), "pcre"},
	}
	for _, tt := range tests {
		err := Check(t.Context(), binary, tt.text)
		if err == nil {
			t.Errorf("%s: no error", tt.name)
			continue
		}
		if !strings.Contains(err.Error(), tt.want) || hintOf(err) == "" {
			t.Errorf("%s: error %q, hint %q; want %q", tt.name, err, hintOf(err), tt.want)
		}
		if strings.Contains(err.Error(), os.TempDir()+"/launcher-lighttpd-") {
			t.Errorf("%s: the temporary file is named: %v", tt.name, err)
		}
	}
}

// TestCheckLeavesNothing keeps the folder for temporary files clean.
func TestCheckLeavesNothing(t *testing.T) {
	binary := requireLighttpd(t)
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	for _, text := range []string{"", "broken ="} {
		_ = Check(t.Context(), binary, text) // only what it leaves matters here
	}
	left, err := os.ReadDir(tmp)
	if err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
