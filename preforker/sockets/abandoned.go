package sockets

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"launcher/preforker/internal/scoreboard"
	"launcher/preforker/linux"
	"launcher/preforker/proc"
)

// workerTitle is how the title of every worker begins (scripts/title.rb).
const workerTitle = "launcher worker "

// AbandonedWorkers are the workers of other launchers in this folder that have lost them. Own is
// the scoreboard of this launcher. The caller closes what it returns.
func AbandonedWorkers(dir string, own *os.File) []*linux.Process {
	info, err := own.Stat()
	if err != nil {
		return nil
	}
	table, err := proc.Processes()
	if err != nil {
		return nil
	}
	var found []*linux.Process
	for _, p := range table.All() {
		if !strings.HasPrefix(proc.Title(p.Pid), workerTitle) {
			continue
		}
		process, err := linux.FollowProcess(p.Pid) // before the checks: what they see is this process, or it is gone
		if err != nil {
			continue
		}
		if isAbandoned(p.Pid, dir, info) {
			found = append(found, process)
		} else {
			_ = process.Close()
		}
	}
	return found
}

// isAbandoned says whether a process is surely a worker that a launcher in this folder has left
// behind: it holds that one's scoreboard, is named in it, which what a request has forked is not,
// and its parent does not hold it. In another mount namespace the folder of this name would be
// another one.
func isAbandoned(pid int, dir string, own os.FileInfo) bool {
	const namespace = "ns/mnt"
	ours, err := os.Readlink(filepath.Join("/proc/self", namespace))
	theirs, err2 := os.Readlink(filepath.Join("/proc", strconv.Itoa(pid), namespace))
	process, err3 := proc.ProcessOf(pid)
	if err != nil || err2 != nil || err3 != nil || ours != theirs {
		return false
	}
	link := "/memfd:" + scoreboard.FileName(dir) + " (deleted)"
	return proc.HasDescriptor(pid, func(held, path string) bool {
		if held != link {
			return false
		}
		board, err := os.Stat(path)
		return err == nil && !os.SameFile(board, own) && isNamed(path, pid) && !proc.HasOpen(process.Parent, board, scoreboard.FileName(dir))
	})
}

// maxRecords bounds what is read of a scoreboard: it may be another program's file of this name.
const maxRecords = 1 << 16

// isNamed says whether a scoreboard has a record of a process.
func isNamed(path string, pid int) bool {
	board, err := os.Open(path)
	if err != nil {
		return false
	}
	defer board.Close()
	info, err := board.Stat()
	if err != nil {
		return false
	}
	for record := range min(scoreboard.Records(info.Size()), maxRecords) {
		if entry, err := scoreboard.Read(board, int(record)); err == nil && entry.State != scoreboard.Empty && entry.Pid == pid {
			return true
		}
	}
	return false
}
