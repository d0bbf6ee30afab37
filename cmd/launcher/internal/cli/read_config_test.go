//go:build linux

package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestCheckTellsAllMistakes at once, each with its place, and a start the first.
func TestCheckTellsAllMistakes(t *testing.T) {
	t.Setenv("LAUNCHER_SPARE", "7")
	t.Setenv("PORT", "")
	t.Setenv(webConcurrency, "")
	root := rootWith(t, "workers: 2\nlog-level: loud\nspawn-method: fast\nhttp: 127.0.0.1\nmetrics: x\ndashboard: y\nmemory-limit: 1\n")
	if err := os.WriteFile(filepath.Join(root, "config.ru"), []byte("run ->(_env) { [200, {}, []] }\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	status, stdout, stderr := runLine(t, "config", "check", "--root", root, "--allow-root", "--socket-mode", "9")
	if status != exitUsage || stdout != "" {
		t.Errorf("%d %s", status, stdout)
	}
	at := 0
	for _, want := range []string{"launcher.yml:2:12: log-level: ", "launcher.yml:3:15: spawn-method: ", "launcher.yml:7:15: memory-limit: ", "read --socket-mode: ",
		"read LAUNCHER_SPARE: ", "launcher.yml:4:7: http: ", "launcher.yml:5:10: metrics: ", "launcher.yml:6:12: dashboard: "} {
		if i := strings.Index(stderr, want); i < at {
			t.Errorf("%q is not behind what comes before it in\n%s", want, stderr)
		} else {
			at = i
		}
	}
	if tries := strings.Count(stderr, "\nTry: "); tries != 8 {
		t.Errorf("%d hints in\n%s", tries, stderr)
	}
	if err := os.Remove(filepath.Join(root, "config.ru")); err != nil {
		t.Fatal(err)
	}
	if status, _, stderr = runLine(t, "config", "check", "--root", root, "--allow-root"); status != exitUsage || !strings.Contains(stderr, "config.ru") || !strings.Contains(stderr, "dashboard: ") {
		t.Errorf("without an application: %d %s", status, stderr)
	}
}
