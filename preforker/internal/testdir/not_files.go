package testdir

import (
	"errors"
	"net"
	"os"
	"syscall"
	"testing"
)

// NotFiles are what somebody may put in the place of a small file, by what it is.
var NotFiles = map[string]func(t testing.TB, path string){
	"a pipe that nobody writes to": func(t testing.TB, path string) {
		if err := syscall.Mkfifo(path, 0o666); err != nil {
			t.Fatal(err)
		}
	},
	"a link to a device without an end": func(t testing.TB, path string) {
		if err := os.Symlink("/dev/zero", path); err != nil {
			t.Fatal(err)
		}
	},
	"a link to itself": func(t testing.TB, path string) {
		if err := os.Symlink(path, path); err != nil {
			t.Fatal(err)
		}
	},
	"a folder": func(t testing.TB, path string) {
		if err := os.Mkdir(path, 0o755); err != nil {
			t.Fatal(err)
		}
	},
	"a socket": func(t testing.TB, path string) {
		listener, err := net.Listen("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = listener.Close() })
	},
}

// TenGigabytes makes a file of that size, which takes no space.
func TenGigabytes(t testing.TB, path string) {
	t.Helper()
	if err := errors.Join(os.WriteFile(path, nil, 0o600), os.Truncate(path, 10<<30)); err != nil {
		t.Fatal(err)
	}
}
