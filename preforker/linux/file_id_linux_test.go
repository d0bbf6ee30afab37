package linux

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// TestFileAt: another file of the same name is another one, and a link is itself.
func TestFileAt(t *testing.T) {
	path, link := filepath.Join(t.TempDir(), "a"), filepath.Join(t.TempDir(), "link")
	if _, err := FileAt(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("where nothing is: %v", err)
	}
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close() // which keeps its inode from the next one
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	info, err := file.Stat()
	if err != nil {
		t.Fatal(err)
	}
	first := fileAt(t, path)
	if first != FileIDOf(info) || first == (FileID{}) {
		t.Errorf("%v, want %v", first, FileIDOf(info))
	}
	if fileAt(t, link) == first {
		t.Error("a link is taken for what it leads to")
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if fileAt(t, path) == first {
		t.Error("another file is taken for the first one")
	}
	if _, err := FileAt(filepath.Join(path, "b")); err == nil {
		t.Error("a file in a file")
	}
}

func fileAt(t *testing.T, path string) FileID {
	t.Helper()
	id, err := FileAt(path)
	if err != nil {
		t.Fatal(err)
	}
	return id
}
