//go:build linux

package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"launcher/preforker/hint"
)

func TestExperimentCommandAsTyped(t *testing.T) {
	t.Parallel()
	got := commandTyped([]string{"/opt/bin/launcher", "experiment", "--output", "/srv/report", "--path", "/posts", "--output=/x", "--straight"})
	if want := "launcher experiment --path /posts --straight"; strings.Join(got, " ") != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestMixThatIsNone: a file that is not there is no matter of its lines.
func TestMixThatIsNone(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "mix")
	if _, err := readMix(file, false); err == nil || !strings.HasPrefix(hint.Of(err), "name a file") {
		t.Errorf("nothing there: %v; try %q", err, hint.Of(err))
	}
	if err := os.WriteFile(file, []byte("1 GET\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := readMix(file, false); err == nil || !strings.HasPrefix(hint.Of(err), "a line is WEIGHT") {
		t.Errorf("a wrong line: %v; try %q", err, hint.Of(err))
	}
}
