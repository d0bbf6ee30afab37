package sockets

import (
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"launcher/preforker/hint"
	"launcher/preforker/internal/testdir"
	"launcher/preforker/smallfile"
)

// onFullDisk names the folder in which the test binary plays a launcher that cannot write a byte.
const onFullDisk = "TEST_ON_FULL_DISK"

// TestStartOnAFullDisk leaves nothing behind that would keep the next one from starting. What a
// disk without space does to a write, a limit of the size of files does too.
func TestStartOnAFullDisk(t *testing.T) {
	if dir := os.Getenv(onFullDisk); dir != "" {
		signal.Ignore(syscall.SIGXFSZ)
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{}); err != nil {
			t.Fatal(err)
		}
		if p, err := LockPidFile(dir); p != nil || !errors.Is(err, syscall.EFBIG) || hint.Of(err) == "" || strings.Contains(err.Error(), ".tmp") {
			t.Errorf("pid file: %v, %q", err, hint.Of(err))
		}
		if err := (&Folder{path: dir}).WriteSnippet("web.conf", "text"); !errors.Is(err, syscall.EFBIG) || hint.Of(err) == "" || strings.Contains(err.Error(), ".tmp") {
			t.Errorf("configuration: %v, %q", err, hint.Of(err))
		}
		if err := smallfile.Replace(filepath.Join(dir, "launcher.heap"), []byte("{}"), 0o600); !errors.Is(err, syscall.EFBIG) {
			t.Errorf("heap file: %v", err)
		}
		return
	}
	for _, before := range []string{"", "4711\n"} { // with the file of one that was killed
		dir := testdir.Short(t)
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
		if got := testdir.Names(t, dir); !slices.Equal(got, want) {
			t.Errorf("left behind: %q, want %q", got, want)
		}
		p, err := LockPidFile(dir)
		if err != nil {
			t.Fatal(err)
		}
		if before != "" && p.Predecessor != 4711 {
			t.Errorf("predecessor %d", p.Predecessor)
		}
		p.Release()
	}
}
