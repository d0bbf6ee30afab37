//go:build linux

package cli

import (
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"launcher/preforker/hint"
)

// onFullDisk names the folder in which the test binary plays a check that cannot write a byte.
const onFullDisk = "LAUNCHER_TEST_ON_FULL_DISK"

// TestCheckOnAFullDisk: a file that can be made, and have nothing in it, is none. What a disk without space does to a write, a limit of the
// size of files does too.
func TestCheckOnAFullDisk(t *testing.T) {
	if dir := os.Getenv(onFullDisk); dir != "" {
		signal.Ignore(syscall.SIGXFSZ)
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{}); err != nil {
			t.Fatal(err)
		}
		c := &checkup{}
		for what, err := range map[string]error{
			"folder": c.folder(dir, "choose another", true), "folder to be made": c.folder(dir+"/run/shop", "choose another", true),
			"new file": c.file(dir + "/new.log"), "file": c.file(dir + "/old.log"),
		} {
			if !errors.Is(err, syscall.EFBIG) || !strings.HasPrefix(err.Error(), "write "+dir+": ") || !strings.HasPrefix(hint.Of(err), "raise the limit of the size of files (ulimit -f), or ") {
				t.Errorf("%s: %v, %q", what, err, hint.Of(err))
			}
		}
		return
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "old.log"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestCheckOnAFullDisk$")
	cmd.Env = append(os.Environ(), onFullDisk+"="+dir)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) != 1 {
		t.Errorf("left behind: %v, %v", files, err)
	}
}

// TestCheckNamesTheFolder that may not be written, and not the file that it tries to make there.
func TestCheckNamesTheFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o555); err != nil {
		t.Fatal(err)
	}
	c := &checkup{}
	if os.Geteuid() == 0 {
		c.as = &account{name: "nobody", uid: 65534, gid: 65534, groups: []int{65534}}
	}
	err := c.folder(dir, "choose another", true)
	if !errors.Is(err, syscall.EACCES) || err.Error() != "write "+dir+": permission denied" || hint.Of(err) != "see who may write there (ls -ld "+dir+"), or choose another" {
		t.Errorf("%v, %q", err, hint.Of(err))
	}
	if err := c.folder(dir+"/run", "choose another", true); err == nil || !strings.HasPrefix(err.Error(), "write "+dir+": ") ||
		hint.Of(err) != "see who may write there (ls -ld "+dir+"), or make it: mkdir -p "+dir+"/run, or choose another" {
		t.Errorf("%v, %q", err, hint.Of(err))
	}
	for cause, want := range map[error]string{syscall.EROFS: "have its disk mounted for writing, or x", syscall.ENOSPC: "make room on its disk (df -h /d; df -i /d), or x",
		syscall.EDQUOT: "make room on its disk (df -h /d; df -i /d), or x", syscall.ENOTDIR: "x"} {
		if got := tryFolder("/d", "x", cause); got != want {
			t.Errorf("%v: %q, want %q", cause, got, want)
		}
	}
}
