//go:build linux

package cli

import (
	"strings"
	"testing"
)

// TestTemplate: a unit for any number of applications has no options of one.
func TestTemplate(t *testing.T) {
	t.Parallel()
	unit := printed(t, "systemd", "--template", "--systemd-version", "247", "--group", "web")
	for _, line := range []string{"User=%i", "Group=web", "Environment=LAUNCHER_ROOT=/srv/%i", "RuntimeDirectory=launcher/%i",
		"EnvironmentFile=-/etc/launcher/%i.conf", "TimeoutStopSec=45"} {
		if !strings.Contains(unit, "\n"+line+"\n") {
			t.Errorf("no %s in\n%s", line, unit)
		}
	}
	if other := printed(t, "systemd", "--template", "--name", "sites", "--user", "www"); !strings.Contains(other, "RuntimeDirectory=sites/%i\n") || !strings.Contains(other, "User=www\n") {
		t.Error(other)
	}
	for args, want := range map[string]string{
		"--name a/b":          "is not what a unit can be called",
		"4":                   "Try: WEB_CONCURRENCY=4 in /etc/launcher/%i.conf",
		"--queue-timeout 10s": "Try: LAUNCHER_QUEUE_TIMEOUT=… in /etc/launcher/%i.conf",
		"--root /srv/shop":    "read --root: it is an application's",
	} {
		status, stdout, stderr := runLine(t, append([]string{"systemd", "--template"}, strings.Fields(args)...)...)
		if status != exitUsage || stdout != "" || !strings.Contains(stderr, want) {
			t.Errorf("%s: %d, %s", args, status, stderr)
		}
	}
}
