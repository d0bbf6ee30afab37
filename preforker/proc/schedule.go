//go:build linux

package proc

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"
)

// Runnable returns for how long the threads of a process have run or waited for a CPU, all in all, as far as they have not ended:
// /proc/PID/task/TID/schedstat, in nanoseconds. A kernel without CONFIG_SCHED_INFO does not tell (errors.ErrUnsupported).
func Runnable(pid int) (time.Duration, error) {
	dir := procPath(pid, "task")
	folder, err := os.Open(dir)
	if err != nil {
		return 0, fmt.Errorf("read threads: %w", gone(err, "task"))
	}
	defer folder.Close()
	names, err := folder.Readdirnames(maxThreads)
	if err != nil {
		return 0, fmt.Errorf("read threads: %w", gone(err, "task"))
	}
	var sum time.Duration
	for _, name := range names {
		var buffer [128]byte
		text, err := readWhole(dir+"/"+name+"/schedstat", buffer[:])
		if err != nil {
			if err = gone(err, "schedstat"); errors.Is(err, ErrGone) {
				continue // that thread has ended
			}
			return 0, fmt.Errorf("read time of thread %s: %w", name, err)
		}
		runnable, err := parseSchedule(text)
		if err != nil {
			return 0, err
		}
		sum += runnable
	}
	return sum, nil
}

// maxThreads bounds what is read of one process.
const maxThreads = 256

// parseSchedule reads the text of schedstat: nanoseconds of running, nanoseconds of waiting for a CPU, and how often it ran.
func parseSchedule(text []byte) (time.Duration, error) {
	fields := bytes.Fields(text)
	if len(fields) != 3 {
		return 0, fmt.Errorf("parse schedstat: %d fields, not 3", len(fields))
	}
	var sum time.Duration
	for _, field := range fields[:2] {
		n, err := strconv.ParseInt(string(field), 10, 62)
		if err != nil || n < 0 {
			return 0, fmt.Errorf("parse schedstat: %.20q is no time", string(field))
		}
		sum += time.Duration(n)
	}
	return sum, nil
}
