package ruby

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// TestSettings: without the pid of the supervisor its processes would not know when it has died.
func TestSettings(t *testing.T) {
	root := t.TempDir()
	if err := os.WriteFile(filepath.Join(root, "config.ru"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	app, err := FindApp(root)
	if err != nil {
		t.Fatal(err)
	}
	start := Start{App: app, BootTimeout: 90 * time.Second, DrainTimeout: 200 * time.Millisecond, LogJSON: true}
	settings, err := start.Settings(7)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"supervisor": strconv.Itoa(os.Getpid()), "root": root, "generation": "7", "entry": "config.ru",
		"boot_seconds": "90.000", "drain_timeout": "0.2", "log_format": "json", "passenger_events": "",
	} {
		if settings[name] != want {
			t.Errorf("%s is %q, not %q", name, settings[name], want)
		}
	}
}
