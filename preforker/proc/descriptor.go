//go:build linux

package proc

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// maxDescriptors is how many descriptors of a process are read.
const maxDescriptors = 100_000

// HasOpen says whether a process is seen to have a file open whose name, or an earlier one,
// contains this name. Another user's process cannot be seen.
func HasOpen(pid int, file os.FileInfo, name string) bool {
	return HasDescriptor(pid, func(link, path string) bool {
		if !strings.Contains(link, name) {
			return false // to stat any other file could take long
		}
		info, err := os.Stat(path)
		return err == nil && os.SameFile(info, file)
	})
}

// HasDescriptor says whether a process is seen to have a descriptor that matches, by the text of
// its link in /proc and by its path there.
func HasDescriptor(pid int, matches func(link, path string) bool) bool {
	dir := filepath.Join("/proc", strconv.Itoa(pid), "fd")
	folder, err := os.Open(dir)
	if err != nil {
		return false
	}
	defer folder.Close()
	for seen := 0; seen < maxDescriptors; {
		names, err := folder.Readdirnames(256)
		for _, name := range names {
			path := filepath.Join(dir, name)
			if link, err := os.Readlink(path); err == nil && matches(link, path) {
				return true
			}
		}
		seen += len(names)
		if err != nil || len(names) == 0 {
			return false
		}
	}
	return false
}
