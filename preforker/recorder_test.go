package preforker

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
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

// TestRecordRefuses: what a mistyped --record names is left as it was, and nobody waits for it.
func TestRecordRefuses(t *testing.T) {
	dir := testdir.Short(t)
	config := Config{Workers: 1, Log: slog.New(slog.DiscardHandler)}
	begin := func(name string) error {
		config.Record = filepath.Join(dir, name)
		r, err := newRecorder(config, core.Policy{}, time.Now())
		if err == nil {
			t.Cleanup(r.close)
		}
		return err
	}
	if err := syscall.Mkfifo(filepath.Join(dir, "fifo"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"web.conf": "server.port = 80\n", "pid": "1234\n", "other.json": `{"at":1}` + "\n", "cut": `{"hist`, "empty": "", "line": "\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]string{
		"web.conf": "something else than a record", "pid": "something else than a record", "other.json": "something else than a record",
		"fifo": "not a regular file", "cut": "", "empty": "", "line": "", "new": "",
	} {
		before, _ := os.Stat(filepath.Join(dir, name))
		err := begin(name)
		if want == "" {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", name, err, want)
		}
		if after, _ := os.Stat(filepath.Join(dir, name)); after.Size() != before.Size() {
			t.Errorf("%s has %d bytes, had %d", name, after.Size(), before.Size())
		}
	}
	// Another launcher, of another folder.
	if err := begin("new"); err == nil || !strings.Contains(err.Error(), "another launcher writes to it") {
		t.Errorf("a record of two: %v", err)
	}
}
