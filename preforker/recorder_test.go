package preforker

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"launcher/preforker/internal/testdir"
)

// TestRecordOfTheLauncherThatRuns: a second launcher in the same folder does not start, and leaves the record of the
// first one alone: what follows in it would count as the second one's.
func TestRecordOfTheLauncherThatRuns(t *testing.T) {
	base := testdir.Short(t)
	config := Config{Workers: 1, SocketDir: filepath.Join(base, "log"), SocketMode: socketOptions.Mode, SocketGroup: -1,
		SpawnMethod: SpawnDirect, BootTimeout: time.Minute, DrainTimeout: time.Minute, SnippetName: "web.conf",
		Record: filepath.Join(base, "record"), Log: slog.New(slog.DiscardHandler)}
	first, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	defer first.release()
	if _, err := New(config); err == nil {
		t.Fatal("two launchers run in one folder")
	}
	record, err := os.ReadFile(config.Record)
	if err != nil || bytes.Count(record, []byte("\n")) != 1 {
		t.Errorf("%v, %q, want one line", err, record)
	}
}
