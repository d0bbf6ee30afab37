//go:build linux

package proc

import (
	"bufio"
	"io"
	"os"
	"strings"
)

// ListensAt says whether a process is seen to hold a socket that was bound to this path.
func ListensAt(pid int, path string) bool {
	sockets := socketsAt(path)
	return len(sockets) > 0 && HasDescriptor(pid, func(link, _ string) bool { return sockets[link] })
}

// maxUnixTable bounds what is read of /proc/net/unix, in bytes.
const maxUnixTable = 64 << 20

// socketsAt are the sockets that were bound to a path, as /proc/PID/fd shows them. The last column
// of /proc/net/unix is the path as it was bound, the one before it the socket's inode.
func socketsAt(path string) map[string]bool {
	file, err := os.Open("/proc/net/unix")
	if err != nil {
		return nil
	}
	defer file.Close()
	found := map[string]bool{}
	lines := bufio.NewScanner(io.LimitReader(file, maxUnixTable))
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
