package preforker

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"launcher/preforker/core"
	"launcher/preforker/history"
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

// TestRecordAfterAFullDisk: a launcher that could not write the end of a line leaves what it has written before to be
// read, and what others write after it.
func TestRecordAfterAFullDisk(t *testing.T) {
	config := Config{Workers: 1, Record: filepath.Join(testdir.Short(t), "record"), Log: slog.New(slog.DiscardHandler)}
	for range 3 {
		r, err := newRecorder(config, core.Policy{}, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		c := core.New(1, core.Policy{}, r.history.Random(func() float64 { return 0 }))
		r.step(0, core.Started{}, c.Step(0, core.Started{}))
		if _, err := r.file.WriteString(`{"at":1,"event":{"Resta`); err != nil {
			t.Fatal(err)
		}
		r.close()
	}
	record, err := os.ReadFile(config.Record)
	if err != nil {
		t.Fatal(err)
	}
	found, err := history.Read(bytes.NewReader(record))
	if err != nil || len(found) != 3 || len(found[0].Steps) != 1 || len(found[2].Steps) != 1 {
		t.Errorf("%+v, %v, of\n%s", found, err, record)
	}
}
