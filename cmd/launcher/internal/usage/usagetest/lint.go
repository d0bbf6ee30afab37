package usagetest

import (
	"os/exec"
	"strings"
	"testing"
)

// Lint fails where a formatter of manual pages, groff's by man(1) or mandoc, has anything to say of a page.
func Lint(t testing.TB, page string) {
	t.Helper()
	dir := t.TempDir()
	path := write(t, dir, "page.1", page)
	for _, args := range [][]string{
		{"man", "--warnings", "--encoding=UTF-8", "--troff-device=utf8", "--ditroff", "--local-file", path},
		{"groff", "-man", "-Tutf8", "-ww", "-z", path},
		{"mandoc", "-T", "lint", path},
	} {
		cmd := exec.Command(find(t, args[0]), args[1:]...)
		cmd.Env = append(environment(dir), "MANWIDTH=80", "MAN_KEEP_STDERR=1")
		said, err := output(cmd, args[0] == "mandoc")
		if err != nil || said != "" {
			t.Errorf("%s: %v: %s", args[0], err, said)
		}
	}
}

// output is what a command prints on standard error, or on both.
func output(cmd *exec.Cmd, both bool) (string, error) {
	if both {
		said, err := cmd.CombinedOutput()
		return string(said), err
	}
	var said strings.Builder
	cmd.Stderr = &said
	err := cmd.Run()
	return said.String(), err
}
