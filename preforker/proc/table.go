//go:build linux

package proc

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
)

// Table is the processes of the machine, or of the container, as one pass over /proc saw
// them. The pass is no snapshot: processes came and went while it was made.
type Table struct {
	processes map[int]Process
	children  map[int][]int // pids in their order
}

// Processes reads the table. Who ends meanwhile is left out, and so is who is hidden by
// /proc's option hidepid.
func Processes() (Table, error) {
	pids, err := listPids()
	if err != nil {
		return Table{}, fmt.Errorf("list processes: %w", err)
	}
	processes := make([]Process, 0, len(pids))
	var buffer [maxStat]byte
	for _, pid := range pids {
		p, err := readProcess(pid, buffer[:])
		if errors.Is(err, ErrGone) || errors.Is(err, os.ErrPermission) {
			continue
		}
		if err != nil {
			return Table{}, fmt.Errorf("read process %d: %w", pid, err)
		}
		processes = append(processes, p)
	}
	return NewTable(processes), nil
}

func listPids() ([]int, error) {
	folder, err := os.Open("/proc")
	if err != nil {
		return nil, err
	}
	defer folder.Close()
	names, err := folder.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	pids := make([]int, 0, len(names))
	for _, name := range names {
		if pid, err := strconv.Atoi(name); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids, nil
}

// NewTable is a table of these processes.
func NewTable(processes []Process) Table {
	t := Table{processes: make(map[int]Process, len(processes)), children: make(map[int][]int)}
	for _, p := range processes {
		t.processes[p.Pid] = p
	}
	for _, p := range t.processes {
		// A parent is never younger than its child: orphans go to an ancestor, which is
		// older still. One that is has been given the pid of a parent that ended during
		// the pass.
		if parent, known := t.processes[p.Parent]; known && parent.Start <= p.Start {
			t.children[p.Parent] = append(t.children[p.Parent], p.Pid)
		}
	}
	for _, pids := range t.children {
		slices.Sort(pids)
	}
	return t
}

// Find is the process of a pid.
func (t Table) Find(pid int) (Process, bool) {
	p, found := t.processes[pid]
	return p, found
}

// All returns every process, zombies too, in the order of their pids.
func (t Table) All() []Process {
	return slices.SortedFunc(maps.Values(t.processes), byPid)
}

func byPid(a, b Process) int { return cmp.Compare(a.Pid, b.Pid) }

// Extend adds to a set of pids all that is below its members, zombies too.
func (t Table) Extend(pids map[int]bool) {
	next := slices.Collect(maps.Keys(pids))
	for len(next) > 0 {
		pid := next[0]
		next = next[1:]
		for _, child := range t.children[pid] {
			if !pids[child] {
				pids[child] = true
				next = append(next, child)
			}
		}
	}
}

// Descendants are all processes below root, root itself left out, and the processes of
// except with all below them. Zombies are left out, but not what is below them: where the
// first thread of a process ends before the others, it shows as a zombie and lives. They
// come in the order of their pids.
func (t Table) Descendants(root int, except ...int) []Process {
	var found []Process
	for next := []int{root}; len(next) > 0; {
		pid := next[0]
		next = next[1:]
		if slices.Contains(except, pid) {
			continue
		}
		if p := t.processes[pid]; pid != root && !p.Zombie() {
			found = append(found, p)
		}
		for _, child := range t.children[pid] {
			// Two processes of one tick could pass for each other's parent. Each has one
			// parent alone, so such a circle is only met by who starts in it.
			if child != root {
				next = append(next, child)
			}
		}
	}
	slices.SortFunc(found, byPid)
	return found
}
