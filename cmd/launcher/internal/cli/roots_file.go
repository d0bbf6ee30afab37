//go:build linux

package cli

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// maxLinks is how many links a path may lead through, as the kernel has it.
const maxLinks = 40

// onlyRootChanges says whether nobody but root may change a file, or have its path lead to another one: each folder, link and file on the
// way is root's. A link in a folder of others could lead elsewhere each time that it is followed.
func onlyRootChanges(path string) bool {
	at, links := "/", 0
	for rest := parts(path); ; {
		info, err := os.Lstat(at)
		if err != nil {
			return false
		}
		stat, is := info.Sys().(*syscall.Stat_t)
		link := info.Mode().Type() == os.ModeSymlink
		if !is || stat.Uid != 0 || !link && info.Mode().Perm()&0o022 != 0 {
			return false
		}
		switch {
		case link:
			target, err := os.Readlink(at)
			if links++; err != nil || links > maxLinks {
				return false
			}
			at, rest = filepath.Dir(at), append(parts(target), rest...)
			if filepath.IsAbs(target) {
				at = "/"
			}
		case len(rest) == 0:
			return info.Mode().IsRegular()
		case !info.IsDir():
			return false
		default:
			at, rest = filepath.Join(at, rest[0]), rest[1:]
		}
	}
}

// parts are the names in a path, among which .. leads to the folder above.
func parts(path string) []string {
	return slices.DeleteFunc(strings.Split(path, "/"), func(part string) bool { return part == "" || part == "." })
}
