//go:build linux

package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestUnitHasPathsAsTheLauncherReadsThem: those of the log and of the pid by the root, others by the folder in which they are said.
func TestUnitHasPathsAsTheLauncherReadsThem(t *testing.T) {
	t.Parallel()
	root := rootWith(t, "")
	if err := os.WriteFile(filepath.Join(root, "config.ru"), []byte("run ->(_env) { [200, {}, []] }\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	here, err := workingDir()
	if err != nil {
		t.Fatal(err)
	}
	unit := printed(t, "systemd", "--root", root, "--name", "shop", "--user", "www-data", "--log-file", "log/shop.log", "--pid-file", "tmp/shop.pid",
		"--access-log", "access.log", "--record", "record", "--http", "unix:tmp/a.socket,127.0.0.1:3000", "--http", "unix:/run/b.socket", "--socket-dir", "run", "2")
	for _, want := range []string{"--log-file " + root + "/log/shop.log", "--pid-file " + root + "/tmp/shop.pid", "--access-log " + here + "/access.log",
		"--record " + here + "/record", "--http unix:" + here + "/tmp/a.socket,127.0.0.1:3000 --http unix:/run/b.socket", "--socket-dir " + here + "/run"} {
		if !strings.Contains(unit, " "+want+" ") {
			t.Errorf("no %s in\n%s", want, unit)
		}
	}
}
