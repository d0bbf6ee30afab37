//go:build linux

package cli

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// TestAccountOpensWithItsOwnRights: a folder is the user's, who has put links to what is root's there.
func TestAccountOpensWithItsOwnRights(t *testing.T) {
	if os.Geteuid() != 0 {
		if _, err := rootsFolder(t.TempDir()); err == nil {
			t.Error("a folder of this user's is root's")
		}
		return
	}
	const shared = 54321 // a group that the user is in, too
	nobody := &account{name: "nobody", uid: 65534, gid: 65534, groups: []int{65534, shared}}
	base, err := os.MkdirTemp("/run", "launcher-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(base) })
	theirs := filepath.Join(base, "theirs")
	for _, err := range []error{os.Chmod(base, 0o755), os.Mkdir(theirs, 0o755), os.Chown(theirs, nobody.uid, nobody.gid),
		os.WriteFile(filepath.Join(base, "secret"), []byte("secret"), 0o600),
		os.WriteFile(filepath.Join(base, "of-roots-group"), nil, 0o660), os.Chmod(filepath.Join(base, "of-roots-group"), 0o660),
		os.Symlink(filepath.Join(base, "of-roots-group"), filepath.Join(theirs, "group-link")),
		os.Mkdir(filepath.Join(base, "shared"), 0o770), os.Chown(filepath.Join(base, "shared"), 0, shared), os.Chmod(filepath.Join(base, "shared"), 0o770),
		os.Symlink(filepath.Join(base, "secret"), filepath.Join(theirs, "link")),
		os.Symlink(filepath.Join(base, "new"), filepath.Join(theirs, "dangling"))} {
		if err != nil {
			t.Fatal(err)
		}
	}
	open := func(path string) error {
		return nobody.open(path, func() error {
			file, err := appendTo(path)
			if err == nil {
				_, err = file.WriteString("line\n")
				_ = file.Close()
			}
			return err
		})
	}
	for path, allowed := range map[string]bool{
		filepath.Join(theirs, "log"):        true,
		filepath.Join(base, "log"):          true, // root makes it, for the user
		filepath.Join(base, "shared/log"):   true,
		filepath.Join(theirs, "link"):       false,
		filepath.Join(theirs, "group-link"): false,
		filepath.Join(theirs, "dangling"):   false,
		filepath.Join(base, "secret"):       false,
	} {
		err := open(path)
		if allowed && err != nil || !allowed && !errors.Is(err, fs.ErrPermission) {
			t.Errorf("%s: %v", path, err)
		}
		if info, err := os.Lstat(path); allowed && (err != nil || info.Sys().(*syscall.Stat_t).Uid != 65534) {
			t.Errorf("%s is another user's: %v", path, err)
		}
	}
	if text, err := os.ReadFile(filepath.Join(base, "secret")); string(text) != "secret" {
		t.Errorf("%q, %v", text, err)
	}
	if _, err := os.Lstat(filepath.Join(base, "new")); err == nil {
		t.Error("root has made what a link of the user's leads to")
	}
	if err := os.WriteFile(filepath.Join(base, "again"), nil, 0o600); err != nil {
		t.Errorf("this thread is not root's any more: %v", err)
	}
}

func TestAccounts(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, group, home string }{{"root", "", "/root"}, {"0", "", "/root"}, {"root", "0", "/root"}, {"root", "root", "/root"}, {"1234567", "", "/"}} {
		a, err := findAccount(test.name, test.group)
		if err != nil || a.home != test.home || len(a.groups) == 0 || a.groups[0] != a.gid {
			t.Errorf("%+v: %+v, %v", test, a, err)
		}
	}
}
