package preforker

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// strangers are what somebody may put in the place of a small file, by what it is.
var strangers = map[string]func(t *testing.T, path string){
	"a pipe that nobody writes to": func(t *testing.T, path string) {
		if err := syscall.Mkfifo(path, 0o666); err != nil {
			t.Fatal(err)
		}
	},
	"a link to a device without an end": func(t *testing.T, path string) {
		if err := os.Symlink("/dev/zero", path); err != nil {
			t.Fatal(err)
		}
	},
	"a link to itself": func(t *testing.T, path string) {
		if err := os.Symlink(path, path); err != nil {
			t.Fatal(err)
		}
	},
	"a folder": func(t *testing.T, path string) {
		if err := os.Mkdir(path, 0o755); err != nil {
			t.Fatal(err)
		}
	},
	"a socket": func(t *testing.T, path string) {
		listener, err := net.Listen("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = listener.Close() })
	},
}

// tenGigabytes makes a file of that size, which takes no space.
func tenGigabytes(t *testing.T, path string) {
	t.Helper()
	if err := errors.Join(os.WriteFile(path, nil, 0o600), os.Truncate(path, 10<<30)); err != nil {
		t.Fatal(err)
	}
}

func TestReadSmall(t *testing.T) {
	dir := shortDir(t)
	path := filepath.Join(dir, "file")
	if err := os.WriteFile(path, []byte("12345"), 0o600); err != nil {
		t.Fatal(err)
	}
	if text, err := readSmall(path, 5); string(text) != "12345" || err != nil {
		t.Errorf("%q, %v", text, err)
	}
	if _, err := readSmall(path, 4); err == nil || !strings.Contains(err.Error(), "more than 4 bytes") {
		t.Errorf("a longer one: %v", err)
	}
	tenGigabytes(t, path)
	if text, err := readSmall(path, 100); err == nil || len(text) > 101 {
		t.Errorf("%d bytes of ten gigabytes, %v", len(text), err)
	}
	if _, err := readSmall(filepath.Join(dir, "nothing"), 4); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	for name, put := range strangers {
		path := filepath.Join(shortDir(t), "f")
		put(t, path)
		if _, err := readSmall(path, 100); !errors.Is(err, errNotFile) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestReplaceSmall: whatever is there is replaced but a folder, and what a link leads to is left alone.
func TestReplaceSmall(t *testing.T) {
	for name, put := range strangers {
		dir := shortDir(t)
		path := filepath.Join(dir, "f")
		put(t, path)
		err := replaceSmall(path, []byte("new"), 0o640)
		info, err2 := os.Lstat(path)
		if name == "a folder" {
			if err == nil || err2 != nil || !info.IsDir() {
				t.Errorf("a folder: %v, %v", err, info)
			}
		} else if text, err2 := os.ReadFile(path); err != nil || err2 != nil || string(text) != "new" || info.Mode() != 0o640 {
			t.Errorf("%s: %v, %q, %v", name, err, text, info.Mode())
		}
		if got := names(t, dir); !slices.Equal(got, []string{"f"}) {
			t.Errorf("%s: the folder has %q", name, got)
		}
	}
}

// TestTemporaryFilesAreRemoved where a launcher was killed while it wrote, and no others.
func TestTemporaryFilesAreRemoved(t *testing.T) {
	dir := shortDir(t)
	file, err := createTemporary(filepath.Join(dir, heapFileName))
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
	removeTemporary(dir)
	slices.Sort(kept)
	if got := names(t, dir); !slices.Equal(got, kept) {
		t.Errorf("the folder has %q, want %q", got, kept)
	}
	removeTemporary(filepath.Join(dir, "nowhere"))
}

// onFullDisk names the folder in which the test binary plays a launcher that cannot write a byte.
const onFullDisk = "TEST_ON_FULL_DISK"

// TestStartOnAFullDisk leaves nothing behind that would keep the next one from starting. What a disk without
// space does to a write, a limit of the size of files does too.
func TestStartOnAFullDisk(t *testing.T) {
	if dir := os.Getenv(onFullDisk); dir != "" {
		signal.Ignore(syscall.SIGXFSZ)
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{}); err != nil {
			t.Fatal(err)
		}
		if p, err := lockPidFile(dir); p != nil || !errors.Is(err, syscall.EFBIG) || hint(err) == "" || strings.Contains(err.Error(), temporarySuffix) {
			t.Errorf("pid file: %v, %q", err, hint(err))
		}
		if err := (&socketDir{path: dir}).writeSnippet("web.conf", "text"); !errors.Is(err, syscall.EFBIG) || hint(err) == "" || strings.Contains(err.Error(), temporarySuffix) {
			t.Errorf("configuration: %v, %q", err, hint(err))
		}
		if err := newHeapFile(dir, "/bin/ruby", App{}).write("3.1.2", nil); !errors.Is(err, syscall.EFBIG) {
			t.Errorf("heap file: %v", err)
		}
		return
	}
	for _, before := range []string{"", "4711\n"} { // with the file of one that was killed
		dir := shortDir(t)
		want := []string(nil)
		if before != "" {
			if err := os.WriteFile(filepath.Join(dir, pidFileName), []byte(before), 0o600); err != nil {
				t.Fatal(err)
			}
			want = []string{pidFileName}
		}
		cmd := exec.Command(os.Args[0], "-test.run=^TestStartOnAFullDisk$")
		cmd.Env = append(os.Environ(), onFullDisk+"="+dir)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
		if got := names(t, dir); !slices.Equal(got, want) {
			t.Errorf("left behind: %q, want %q", got, want)
		}
		p, err := lockPidFile(dir)
		if err != nil {
			t.Fatal(err)
		}
		if before != "" && p.predecessor != 4711 {
			t.Errorf("predecessor %d", p.predecessor)
		}
		p.release()
	}
}
