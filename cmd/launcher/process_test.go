//go:build linux

package main

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// process is one of the application's Ruby processes, by its title.
type process struct {
	pid, ppid int
	title     string
	started   int // in ticks
}

// processes are the Ruby processes that have the application's folder as their own, whoever
// their parent is by now, the oldest first.
func (in *instance) processes() []process {
	entries, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		in.t.Fatal(err)
	}
	var found []process
	for _, dir := range entries {
		pid, _ := strconv.Atoi(filepath.Base(dir))
		cwd, err := os.Readlink(filepath.Join(dir, "cwd"))
		if err != nil || cwd != in.root || pid == in.cmd.Process.Pid || pid == os.Getpid() {
			continue
		}
		if in.pipe != "" && !hasOpen(dir, in.pipe) {
			continue
		}
		cmdline, err := os.ReadFile(filepath.Join(dir, "cmdline"))
		stat, err2 := os.ReadFile(filepath.Join(dir, "stat"))
		if err != nil || err2 != nil || len(cmdline) == 0 {
			continue
		}
		_, rest, _ := strings.Cut(string(stat), ") ")
		fields := strings.Fields(rest)
		ppid, _ := strconv.Atoi(fields[1])
		started, _ := strconv.Atoi(fields[19])
		title := strings.TrimRight(strings.ReplaceAll(string(cmdline), "\x00", " "), " ")
		found = append(found, process{pid, ppid, title, started})
	}
	slices.SortFunc(found, func(a, b process) int { return cmp.Or(cmp.Compare(a.started, b.started), cmp.Compare(a.pid, b.pid)) })
	return found
}

func pipeName(t testing.TB, pipe *os.File) string {
	t.Helper()
	info, err := pipe.Stat()
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("pipe:[%d]", info.Sys().(*syscall.Stat_t).Ino)
}

// hasOpen says whether a process, by its folder in /proc, has a file open.
func hasOpen(dir, name string) bool {
	descriptors, _ := filepath.Glob(filepath.Join(dir, "fd", "*"))
	return slices.ContainsFunc(descriptors, func(fd string) bool {
		target, err := os.Readlink(fd)
		return err == nil && target == name
	})
}

// titled are the processes whose title has a prefix.
func (in *instance) titled(prefix string) (found []process) {
	for _, p := range in.processes() {
		if strings.HasPrefix(p.title, prefix) {
			found = append(found, p)
		}
	}
	return found
}

// worker is the pid of a slot's worker.
func (in *instance) worker(slot int) int {
	in.t.Helper()
	prefix := fmt.Sprintf("launcher worker slot=%d ", slot)
	var found []process
	in.waitFor("a worker of slot "+strconv.Itoa(slot), func() bool {
		found = in.titled(prefix)
		return len(found) > 0
	})
	if len(found) == 0 {
		in.t.FailNow()
	}
	return found[len(found)-1].pid
}

// preloader is the pid of the newest preloader: the launcher's own child, unlike the process between
// it and a new worker, which has its title for a moment.
func (in *instance) preloader() int {
	in.t.Helper()
	found := slices.DeleteFunc(in.titled("launcher preloader "), func(p process) bool { return p.ppid != in.cmd.Process.Pid })
	if len(found) == 0 {
		in.t.Fatal("no preloader")
	}
	return found[len(found)-1].pid
}

func (in *instance) socket(slot int) string {
	if in.port != 0 {
		return fmt.Sprintf("127.0.0.1:%d", in.port+slot)
	}
	return filepath.Join(in.root, "log", fmt.Sprintf("fastcgi.socket-%d", slot))
}
