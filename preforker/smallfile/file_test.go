package smallfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"launcher/preforker/internal/testdir"
)

func TestRead(t *testing.T) {
	dir := testdir.Short(t)
	path := filepath.Join(dir, "file")
	if err := os.WriteFile(path, []byte("12345"), 0o600); err != nil {
		t.Fatal(err)
	}
	if text, err := Read(path, 5); string(text) != "12345" || err != nil {
		t.Errorf("%q, %v", text, err)
	}
	if _, err := Read(path, 4); err == nil || !strings.Contains(err.Error(), "more than 4 bytes") {
		t.Errorf("a longer one: %v", err)
	}
	testdir.TenGigabytes(t, path)
	if text, err := Read(path, 100); err == nil || len(text) > 101 {
		t.Errorf("%d bytes of ten gigabytes, %v", len(text), err)
	}
	if _, err := Read(filepath.Join(dir, "nothing"), 4); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	for name, put := range testdir.NotFiles {
		path := filepath.Join(testdir.Short(t), "f")
		put(t, path)
		if _, err := Read(path, 100); !errors.Is(err, ErrNotFile) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestReplace: whatever is there is replaced but a folder, and what a link leads to is left alone.
func TestReplace(t *testing.T) {
	for name, put := range testdir.NotFiles {
		dir := testdir.Short(t)
		path := filepath.Join(dir, "f")
		put(t, path)
		err := Replace(path, []byte("new"), 0o640)
		info, err2 := os.Lstat(path)
		if name == "a folder" {
			if err == nil || err2 != nil || !info.IsDir() {
				t.Errorf("a folder: %v, %v", err, info)
			}
		} else if text, err2 := os.ReadFile(path); err != nil || err2 != nil || string(text) != "new" || info.Mode() != 0o640 {
			t.Errorf("%s: %v, %q, %v", name, err, text, info.Mode())
		}
		if got := testdir.Names(t, dir); !slices.Equal(got, []string{"f"}) {
			t.Errorf("%s: the folder has %q", name, got)
		}
	}
}

// TestTemporaryFilesAreRemoved where a launcher was killed while it wrote, and no others.
func TestTemporaryFilesAreRemoved(t *testing.T) {
	dir := testdir.Short(t)
	file, err := CreateTemporary(filepath.Join(dir, "launcher.heap"))
	if err != nil {
		t.Fatal(err)
	}
	_ = file.Close()
	kept := []string{"launcher.heap.123", "lighttpd.conf.1", ".launcher-notes", "production.log", ".launcher-folder.tmp"}
	for _, name := range kept[:4] {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, kept[4]), 0o700); err != nil {
		t.Fatal(err)
	}
	RemoveTemporary(dir)
	slices.Sort(kept)
	if got := testdir.Names(t, dir); !slices.Equal(got, kept) {
		t.Errorf("the folder has %q, want %q", got, kept)
	}
	RemoveTemporary(filepath.Join(dir, "nowhere"))
}
