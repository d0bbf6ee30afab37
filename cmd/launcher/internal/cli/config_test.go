//go:build linux

package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestConfigCheckSaysOnceWhatFails: a web server that accepts nothing. It is not parallel: a program that is being written,
// in a process that another test starts, cannot be run.
func TestConfigCheckSaysOnceWhatFails(t *testing.T) {
	root := t.TempDir()
	server := filepath.Join(root, "server")
	if err := os.WriteFile(filepath.Join(root, "config.ru"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, version := range map[string]string{"nginx": "nginx version: nginx/1.22.1", "lighttpd": "lighttpd/1.4.69"} {
		text := "#!/bin/sh\n[ \"$1\" = -v ] && echo " + version + " && exit\necho host not found; exit 1\n"
		if err := os.WriteFile(server, []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
		status, out, says := runLine(t, "config", "--server", name, "--check", "--server-command", server, "--root", root, "2")
		if status != exitFailed || out != "" || strings.Count(says, "check configuration: ") != 1 || !strings.Contains(says, "host not found") || !strings.Contains(says, "Try: ") {
			t.Errorf("%s: %d, %s%s", name, status, out, says)
		}
	}
}
