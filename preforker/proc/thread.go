//go:build linux

package proc

import (
	"os"
	"slices"
	"strconv"
	"strings"
)

// Thread is a thread of a process as the kernel has it. What may not be read is empty.
type Thread struct {
	ID    int
	Name  string
	State byte     // as in proc(5)
	Waits string   // the function of the kernel that it waits in (wchan)
	Call  string   // the number of the system call that it is in, and its arguments; "running" where it is in none
	Stack []string // in the kernel, which root alone may read
}

const (
	// maxTasks and maxStack are how many threads, and frames of each, are read.
	maxTasks  = 64
	maxStack  = 40
	maxThread = 8 << 10 // bytes of a file
)

// Threads reads what the kernel tells of a process's threads, the first one first. A process that is gone has none.
func Threads(pid int) (threads []Thread) {
	names, err := os.ReadDir(procPath(pid, "task"))
	if err != nil {
		return nil
	}
	for _, name := range names[:min(len(names), maxTasks)] {
		if id, err := strconv.Atoi(name.Name()); err == nil {
			if t, found := threadOf(pid, id); found {
				threads = append(threads, t)
			}
		}
	}
	slices.SortFunc(threads, func(a, b Thread) int { return a.ID - b.ID })
	return threads
}

func threadOf(pid, id int) (t Thread, found bool) {
	var buffer [maxThread]byte
	read := func(name string) string {
		text, err := readStart(procPath(pid, "task/"+strconv.Itoa(id)+"/"+name), buffer[:])
		if err != nil {
			return ""
		}
		return strings.TrimSpace(string(text))
	}
	stat, err := ParseStat([]byte(read("stat") + " "))
	if err != nil {
		return t, false
	}
	t = Thread{ID: id, Name: stat.Comm, State: stat.State, Call: read("syscall")}
	if waits := read("wchan"); waits != "0" {
		t.Waits = waits
	}
	for frame := range strings.Lines(read("stack")) {
		if len(t.Stack) < maxStack {
			t.Stack = append(t.Stack, strings.TrimSpace(strings.TrimPrefix(frame, "[<0>]")))
		}
	}
	return t, true
}

// States are the states of a process, or of a thread, in words.
var states = map[byte]string{'R': "running", 'S': "sleeping", 'D': "in a system call that nothing interrupts", 'T': "stopped by a signal",
	't': "traced", 'Z': "ended", 'X': "ended", 'I': "idle"}

// StateWords is a state of proc(5) in words.
func StateWords(state byte) string {
	if words, known := states[state]; known {
		return words
	}
	return string(rune(state))
}
