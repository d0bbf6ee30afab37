//go:build linux

package cli

import (
	"path/filepath"
	"testing"
)

// TestLogFileInAFolderThatIsNotThere: what to do names the folder.
func TestLogFileInAFolderThatIsNotThere(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for path, want := range map[string]string{
		filepath.Join(dir, "log", "l.log"): "mkdir -p " + filepath.Join(dir, "log") + ", or name a file elsewhere",
		dir:                                "name a file that may be written, in a folder that is there",
	} {
		_, err := appendTo(path)
		if got := logFileHint(path, err); err == nil || got != want {
			t.Errorf("%s: %v, %q, want %q", path, err, got, want)
		}
	}
}
