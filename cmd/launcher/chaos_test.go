//go:build linux

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestChaos: every kind of fault that "make chaos" knows, under load. No request fails but those in the hands of a worker that died.
func TestChaos(t *testing.T) {
	t.Parallel()
	temporary, err := os.MkdirTemp("", "ch") // a short path: sockets are in it
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(temporary) })
	output := t.TempDir()
	cmd := exec.Command(tool(t, "ruby"), filepath.Join(sourceRoot(t), "scripts", "dev", "chaos"), "--faults", "14", "--visitors", "4",
		"--launcher", os.Args[0], "--output", output)
	cmd.Env = append(cleanEnv(), asLauncher+"=1", "TMPDIR="+temporary)
	said, err := cmd.CombinedOutput()
	if err != nil {
		log, _ := os.ReadFile(filepath.Join(output, "server.log"))
		t.Fatalf("%v:\n%s\n%s", err, said, log)
	}
	if !strings.Contains(string(said), "\nfault 14, ") || !strings.Contains(string(said), "| **all** | 14 |") {
		t.Errorf("it did not come to the end:\n%s", said)
	}
	nothingIn(t, temporary)
}
