package smallfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"launcher/preforker/internal/testdir"
)

// TestReadNamed follows links, and refuses at once what is no regular file, with what it is.
func TestReadNamed(t *testing.T) {
	t.Parallel()
	dir := testdir.Short(t)
	at := func(name string) string { return filepath.Join(dir, name) }
	socket, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err == nil {
		defer syscall.Close(socket)
		err = syscall.Bind(socket, &syscall.SockaddrUnix{Name: at("socket")})
	}
	for _, err := range []error{err, os.WriteFile(at("file"), []byte("12345"), 0o600), os.Symlink("file", at("link")), os.Symlink("nowhere", at("dangling")),
		os.Mkdir(at("folder"), 0o700), syscall.Mkfifo(at("pipe"), 0o600), os.Symlink("/dev/zero", at("zero")), os.Symlink("/proc/kmsg", at("log of the kernel")), os.Symlink("pipe", at("link to it"))} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, read := range []func(string, int64) ([]byte, error){ReadNamed, ReadPiped} {
		for _, name := range []string{"file", "link"} {
			if text, err := read(at(name), 5); string(text) != "12345" || err != nil {
				t.Errorf("%s: %q, %v", name, text, err)
			}
			if _, err := read(at(name), 4); err == nil || err.Error() != at(name)+" has more than 4 bytes" {
				t.Errorf("%s, too long: %v", name, err)
			}
		}
		for _, name := range []string{"nothing", "dangling"} {
			if _, err := read(at(name), 5); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s: %v", name, err)
			}
		}
		for name, want := range map[string]string{"folder": "is a folder, ", "zero": "is a device, ", "socket": "is a socket, ", "log of the kernel": "is made by the kernel, "} {
			if _, err := read(at(name), 5); !errors.Is(err, ErrNotFile) || !strings.Contains(err.Error(), at(name)+" "+want) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	for _, name := range []string{"pipe", "link to it"} {
		if _, err := ReadNamed(at(name), 5); !errors.Is(err, ErrNotFile) || !strings.Contains(err.Error(), "is a pipe, ") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if text, err := ReadPiped(at("pipe"), 5); len(text) > 0 || err != nil {
		t.Errorf("nobody writes to it: %q, %v", text, err)
	}
}

// TestReadPiped reads what a pipe delivers until it ends, and waits for none without an end.
func TestReadPiped(t *testing.T) {
	t.Parallel()
	open := func() string {
		path := filepath.Join(testdir.Short(t), "pipe")
		if err := syscall.Mkfifo(path, 0o600); err != nil {
			t.Fatal(err)
		}
		w, err := os.OpenFile(path, os.O_RDWR, 0) // which waits for no reader
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = w.Close() })
		if _, err := w.WriteString("123"); err != nil {
			t.Fatal(err)
		}
		return path
	}
	path := open()
	if text, err := readNamed(path, 5, fs.ModeNamedPipe, 50*time.Millisecond); err == nil || !strings.Contains(err.Error(), path+" has not come to its end within 50ms") {
		t.Errorf("one that does not end: %q, %v", text, err)
	}
	path = open()
	if _, err := ReadPiped(path, 2); err == nil || !strings.Contains(err.Error(), "more than 2 bytes") {
		t.Errorf("too long: %v", err)
	}
	r, w, err := os.Pipe() // as a shell makes it
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	go func() {
		_, _ = w.WriteString("123")
		_, _ = w.WriteString("45")
		_ = w.Close()
	}()
	path = filepath.Join("/dev/fd", strconv.Itoa(int(r.Fd())))
	if text, err := ReadPiped(path, 5); string(text) != "12345" || err != nil {
		t.Errorf("%s: %q, %v", path, text, err)
	}
}
