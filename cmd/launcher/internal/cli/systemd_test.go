//go:build linux

package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"launcher/cmd/launcher/internal/systemd"
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

// TestUnitSaysWhatIsSwitchedOff where the file switches it on.
func TestUnitSaysWhatIsSwitchedOff(t *testing.T) {
	t.Parallel()
	root := rootWith(t, "passenger-events: true\nbuffer-responses: true\nlog-level: warn\n")
	if err := os.WriteFile(filepath.Join(root, "config.ru"), []byte("run ->(_env) { [200, {}, []] }\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	unit := printed(t, "systemd", "--root", root, "--name", "shop", "--user", "www-data", "--passenger-events=false", "--dashboard-public=false", "2")
	if want := " --passenger-events=false --keep-sockets 2\n"; !strings.Contains(unit, want) || strings.Contains(unit, "--dashboard-public") || strings.Contains(unit, "--buffer-responses") {
		t.Errorf("no %q in\n%s", want, unit)
	}
}

// TestUnitSharesTmp with whoever connects to a socket there, and reads a log.
func TestUnitSharesTmp(t *testing.T) {
	t.Parallel()
	for name, shared := range map[string]map[string]bool{
		optHTTP:     {"127.0.0.1:80,unix:/tmp/shop.socket": true, "unix:/run/shop.socket": false, "127.0.0.1:80": false},
		optLogFile:  {"/var/tmp/shop.log": true, "tmp/shop.log": false},
		optRackup:   {"/tmp/config.ru": false},
		optLogLevel: {"info": false},
	} {
		for value, want := range shared {
			service := &systemd.Service{Root: "/srv/shop"}
			if _, err := placed(service, name, value); err != nil || service.SharedTmp != want {
				t.Errorf("--%s %s: %v, %v", name, value, service.SharedTmp, err)
			}
		}
	}
}
