package systemd

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the golden files in testdata anew")

func shop() Service {
	return Service{Name: "shop", Version: NotifyReload, User: "deploy", Root: "/srv/shop/current", SocketDir: "/run/shop",
		Command: []string{"/usr/local/bin/launcher", "--root", "/srv/shop/current", "--socket-dir", "/run/shop", "4"},
		Restart: []string{"/usr/local/bin/launcher", "restart", "--root", "/srv/shop/current", "--socket-dir", "/run/shop"},
		Boot:    90 * time.Second, Drain: 30 * time.Second, Kept: 64}
}

func services() map[string]Service {
	old, web, bound, odd := shop(), shop(), shop(), shop()
	old.Version, old.Drain, old.Boot = 252, 5*time.Minute, 1500*time.Millisecond
	web.Ports, web.LowPorts, web.Group, web.SharedTmp = true, true, "www-data", true
	bound.Kept = 0
	bound.Sockets = []Socket{{Unit: "slot-0", Name: "slot-0", Address: "/run/shop/fastcgi.socket-0", Mode: "0660", Group: "www-data"},
		{Unit: "slot-1", Name: "slot-1", Address: "/run/shop/fastcgi.socket-1", Mode: "0600"}, {Unit: "http", Name: "http", Address: "127.0.0.1:3000"}}
	odd.Root, odd.SocketDir = "/usr/share/50% off", "/usr/share/50% off/log"
	odd.Command = []string{"/usr/local/bin/launcher", "--warmup-header", `Cookie: a="$HOME"\`, "--root", odd.Root, "1"}
	template := Template("launcher")
	template.Environment = []string{"LAUNCHER_ROOT=" + template.Root, "LAUNCHER_SOCKET_DIR=" + template.SocketDir, "ODD=50% off"}
	template.Version, template.Boot, template.Drain, template.Kept = 247, 90*time.Second, 30*time.Second, 64
	template.Command, template.Restart = []string{"/usr/bin/launcher"}, []string{"/usr/bin/launcher", "restart"}
	return map[string]Service{"template": template, "notify-reload": shop(), "older": old, "ports": web, "sockets": bound, "quoted": odd}
}

// TestUnits compares each golden file with what is written.
func TestUnits(t *testing.T) {
	t.Parallel()
	for name, service := range services() {
		var text strings.Builder
		for _, unit := range service.Units() {
			text.WriteString("# " + unit.Name + "\n" + unit.Text + "\n")
		}
		path := filepath.Join("testdata", name+".txt")
		if *update {
			if err := os.WriteFile(path, []byte(text.String()), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if text.String() != string(want) {
			t.Errorf("%s: got\n%s\nwant\n%s", name, text.String(), want)
		}
	}
}

// TestSystemdAcceptsUnits, which says nothing of them.
func TestSystemdAcceptsUnits(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("systemd-analyze"); err != nil {
		t.Fatal("systemd-analyze is missing (install it: make test-deps)")
	}
	for name, service := range services() {
		service.Version = min(service.Version, NotifyReload-1) // the one of Debian 12
		service.Command[0], service.Restart[0], service.Root, service.User = "/bin/true", "/bin/true", t.TempDir(), "root"
		if found := verify(t, service.Units()); found != "" {
			t.Errorf("%s: %s", name, found)
		}
	}
	wrong := shop()
	wrong.Version, wrong.Command = 252, []string{"/bin/true"}
	wrong.Restart, wrong.Name = []string{"nowhere/true"}, "wrong"
	if found := verify(t, wrong.Units()); !strings.Contains(found, "wrong.service") {
		t.Errorf("what is wrong is not seen: %q", found)
	}
}

// verify is what systemd-analyze says of units.
func verify(t *testing.T, units []Unit) string {
	t.Helper()
	dir := t.TempDir()
	args := []string{"verify", "--man=no"}
	for _, unit := range units {
		path := filepath.Join(dir, unit.Name)
		if err := os.WriteFile(path, []byte(unit.Text), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, path)
	}
	output, err := exec.Command("systemd-analyze", args...).CombinedOutput()
	var found []string
	for line := range strings.Lines(string(output)) { // which tells of units of this machine, too
		for _, unit := range units {
			if strings.Contains(line, unit.Name) {
				found = append(found, line)
			}
		}
	}
	if err != nil && len(found) == 0 {
		t.Errorf("systemd-analyze: %v: %s", err, output)
	}
	return strings.Join(found, "")
}
