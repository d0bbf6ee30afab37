package preforker

import (
	"bufio"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Before a process is named as one to be stopped, it is looked at: a number in a file, or one that the
// kernel has noted when a socket began to listen, may be another process's by now.

// mostDescriptors of a process are looked at.
const mostDescriptors = 100_000

// hasOpen says whether a process is seen to have a file open whose name, or an earlier one, holds this
// name. Another user's process cannot be seen.
func hasOpen(pid int, file os.FileInfo, name string) bool {
	return hasDescriptor(pid, func(link, path string) bool {
		if !strings.Contains(link, name) {
			return false // looking at any other file could take long
		}
		info, err := os.Stat(path)
		return err == nil && os.SameFile(info, file)
	})
}

// listensAt says whether a process is seen to hold a socket that was bound to this path.
func listensAt(pid int, path string) bool {
	sockets := socketsAt(path)
	return len(sockets) > 0 && hasDescriptor(pid, func(link, _ string) bool { return sockets[link] })
}

// hasDescriptor says whether one of a process's descriptors is like that, by what it links to.
func hasDescriptor(pid int, like func(link, path string) bool) bool {
	dir := filepath.Join("/proc", strconv.Itoa(pid), "fd")
	folder, err := os.Open(dir)
	if err != nil {
		return false
	}
	defer folder.Close()
	for seen := 0; seen < mostDescriptors; {
		names, err := folder.Readdirnames(256)
		for _, name := range names {
			path := filepath.Join(dir, name)
			if link, err := os.Readlink(path); err == nil && like(link, path) {
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

// mostSockets bounds what is read of /proc/net/unix, in bytes.
const mostSockets = 64 << 20

// socketsAt are the sockets that were bound to a path, as /proc/PID/fd shows them. The last column of
// /proc/net/unix is the path as it was bound, the one before it the socket's inode.
func socketsAt(path string) map[string]bool {
	file, err := os.Open("/proc/net/unix")
	if err != nil {
		return nil
	}
	defer file.Close()
	found := map[string]bool{}
	lines := bufio.NewScanner(io.LimitReader(file, mostSockets))
	for lines.Scan() {
		before, matches := strings.CutSuffix(lines.Text(), " "+path)
		if !matches {
			continue
		}
		if fields := strings.Fields(before); len(fields) == 7 {
			found["socket:["+fields[6]+"]"] = true
		}
	}
	return found
}
