package settings

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestWhatIsNoFile: it is refused at once, whatever it is.
func TestWhatIsNoFile(t *testing.T) {
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	for _, err := range []error{
		os.Mkdir(path("folder"), 0o755), syscall.Mkfifo(path("pipe"), 0o600), os.Symlink("/proc/kmsg", path("log")), os.Symlink("nowhere", path("link")), os.Symlink("link2", path("link2")),
		os.WriteFile(path("huge"), []byte(strings.Repeat("# x\n", MaxSize/4)+"#"), 0o600), os.WriteFile(path("file"), []byte("workers: 4\n"), 0o600),
		os.Symlink("file", path("good")), os.WriteFile(path("wrong"), []byte("workers"), 0o600),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]string{
		"folder": "is a folder, and no regular file", "pipe": "is a pipe, and no regular file", "log": "is made by the kernel", "link": "leads to nothing", "link2": "too many levels", "huge": "has more than 65536 bytes",
		"missing": "no such file", "file/x": "not a directory", "wrong": "wrong:1:1: the file has a text",
	} {
		if _, err := Read(path(name)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", name, err, want)
		} else if missing := errors.Is(err, fs.ErrNotExist); missing != (name == "missing") {
			t.Errorf("%s: there is none: %v", name, missing)
		}
	}
	for _, name := range []string{"file", "good"} {
		if f, err := Read(path(name)); err != nil || len(f.Settings) != 1 || f.Path != path(name) {
			t.Errorf("%s: %+v, %v", name, f, err)
		}
	}
}
