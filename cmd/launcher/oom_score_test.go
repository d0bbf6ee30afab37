//go:build linux

package main

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// oomScore is what a process adds to its share of the memory, where the kernel chooses whom to end.
func oomScore(t *testing.T, pid int) int {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "oom_score_adj"))
	if err != nil {
		t.Fatal(err)
	}
	score, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	return score
}

// TestKernelTakesAWorkerFirst: the workers have a higher score than the launcher and its preloaders, those that are forked from a
// worker among them. What a request starts has the worker's.
func TestKernelTakesAWorkerFirst(t *testing.T) {
	t.Parallel()
	root := writeApp(t, map[string]string{"config.ru": "run ->(_env) { [200, {}, [`cat /proc/self/oom_score_adj`]] }"})
	in := start(t, startOptions{root: root, args: []string{"2", "--refork-after", "1"}}).serving()
	own := oomScore(t, in.cmd.Process.Pid)
	worker := min(own+200, 1000)
	in.waitFor("all workers to come of a preloader that was forked from one", func() bool {
		for slot := range 2 {
			if a := ask(t, in.socket(slot), "/"); !a.is(strconv.Itoa(worker) + "\n") {
				t.Errorf("slot %d: %v, want %d", slot, a, worker)
			}
		}
		s := in.status()
		for _, slot := range s.Slots {
			if len(slot.Workers) != 1 || slot.Workers[0].Refork == 0 {
				return false
			}
		}
		return len(s.Generations) == 1 && len(s.Generations[0].Preloaders) == 1
	})
	status := in.status()
	for _, p := range status.Generations[0].Preloaders {
		if score := oomScore(t, p.Pid); p.Refork == 0 || score != own {
			t.Errorf("preloader %+v has %d, the launcher %d", p, score, own)
		}
	}
	for _, slot := range status.Slots {
		if score := oomScore(t, slot.Workers[0].Pid); score != worker {
			t.Errorf("slot %d: its worker has %d, the launcher %d", slot.Slot, score, own)
		}
	}
	if l := status.Memory.Limit; l == nil || l.Bytes == 0 {
		t.Errorf("the limit of memory: %+v", l)
	}
}
