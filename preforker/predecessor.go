package preforker

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"launcher/preforker/internal/scoreboard"
	"launcher/preforker/linux"
	"launcher/preforker/proc"
)

// Workers of a launcher that was killed finish what is in their hands and leave, within the drain timeout
// (scripts/worker.rb). One that cannot hear of its supervisor's death, in C code that keeps Ruby's lock for instance, would stay for
// ever. The next launcher in the same folder gives them that time too, and kills who is left.

// workerTitle is how the title of every worker begins (scripts/title.rb).
const workerTitle = "launcher worker "

// boardName is what the scoreboard of a launcher in a folder is called where /proc shows it.
func boardName(dir string) string { return "launcher-scoreboard " + dir }

// endPredecessor sees to the workers of a launcher that has died in this folder without cleaning up.
func (s *Supervisor) endPredecessor() {
	left := abandonedWorkers(s.config.SocketDir, s.board)
	if len(left) == 0 {
		return
	}
	patience := s.config.DrainTimeout + killGrace
	var pids []int
	for _, worker := range left {
		pids = append(pids, worker.Pid)
		_ = worker.Signal(syscall.SIGCONT) // it may be stopped, and then hears of nothing
		_ = worker.Close()
	}
	s.log.Warn("workers of a launcher that was killed are still there; they may finish their requests", keyPids, pids, keyTimeout, patience)
	select {
	case <-s.done:
		return
	case <-time.After(patience):
	}
	for _, worker := range abandonedWorkers(s.config.SocketDir, s.board) {
		if err := worker.Signal(syscall.SIGKILL); err != nil {
			s.log.Warn("worker of a launcher that was killed could not be killed", keyPid, worker.Pid, keyError, err)
		} else {
			s.log.Warn("worker of a launcher that was killed did not leave, and is killed", keyPid, worker.Pid)
		}
		_ = worker.Close()
	}
}

// abandonedWorkers are the workers of other launchers in this folder that have lost them. Own is the scoreboard of
// this launcher.
func abandonedWorkers(dir string, own *os.File) []*linux.Process {
	info, err := own.Stat()
	if err != nil {
		return nil
	}
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	var found []*linux.Process
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil || !strings.HasPrefix(proc.Title(pid), workerTitle) {
			continue
		}
		process, err := linux.FollowProcess(pid) // before the looks: what they see is this process, or it is gone
		if err != nil {
			continue
		}
		if isAbandoned(pid, dir, info) {
			found = append(found, process)
		} else {
			_ = process.Close()
		}
	}
	return found
}

// isAbandoned says whether a process is surely a worker that a launcher in this folder has left behind: it holds that
// one's scoreboard, is named in it, which what a request has forked is not, and its parent does not hold it. In another
// mount namespace the folder of this name would be another one.
func isAbandoned(pid int, dir string, own os.FileInfo) bool {
	const namespace = "ns/mnt"
	ours, err := os.Readlink(filepath.Join("/proc/self", namespace))
	theirs, err2 := os.Readlink(filepath.Join("/proc", strconv.Itoa(pid), namespace))
	process, err3 := proc.ProcessOf(pid)
	if err != nil || err2 != nil || err3 != nil || ours != theirs {
		return false
	}
	link := "/memfd:" + boardName(dir) + " (deleted)"
	return proc.HasDescriptor(pid, func(held, path string) bool {
		if held != link {
			return false
		}
		board, err := os.Stat(path)
		return err == nil && !os.SameFile(board, own) && isNamed(path, pid) && !proc.HasOpen(process.Parent, board, boardName(dir))
	})
}

// isNamed says whether a scoreboard has a record of a process.
func isNamed(path string, pid int) bool {
	board, err := os.Open(path)
	if err != nil {
		return false
	}
	defer board.Close()
	for record := range boardRecords {
		if entry, err := scoreboard.Read(board, record); err == nil && entry.State != scoreboard.Empty && entry.Pid == pid {
			return true
		}
	}
	return false
}
