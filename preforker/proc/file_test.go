//go:build linux

package proc

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

func TestReadWhole(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte("12345678"), 0o600); err != nil {
		t.Fatal(err)
	}
	text, err := readWhole(path, make([]byte, 9))
	if string(text) != "12345678" || err != nil {
		t.Errorf("with room: %q, %v", text, err)
	}
	if text, err := readWhole(path, make([]byte, 8)); !matches(err, "longer than 7 bytes") {
		t.Errorf("without room: %q, %v", text, err)
	}
	if text, err := readStart(path, make([]byte, 3)); string(text) != "123" || err != nil {
		t.Errorf("the start: %q, %v", text, err)
	}
	if _, err := readWhole(path+"s", make([]byte, 9)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no such file: %v", err)
	}
	if _, err := readWhole(filepath.Dir(path), make([]byte, 9)); !errors.Is(err, syscall.EISDIR) {
		t.Errorf("a folder: %v", err)
	}
}

func TestGone(t *testing.T) {
	for _, test := range []struct {
		err  error
		name string
		want error
	}{
		{syscall.ENOENT, "stat", ErrGone},
		{syscall.ESRCH, "stat", ErrGone},
		{syscall.ENOENT, "a-file-of-no-kernel", errors.ErrUnsupported},
		{syscall.EACCES, "stat", os.ErrPermission},
	} {
		got := gone(&os.PathError{Op: "open", Err: test.err}, test.name)
		if !errors.Is(got, test.want) || errors.Is(got, ErrGone) != (test.want == ErrGone) {
			t.Errorf("%v of %s: %v, want %v", test.err, test.name, got, test.want)
		}
	}
}
