//go:build linux

package proc

import (
	"os"
	"path/filepath"
	"testing"
)

// cgroupWith makes folders as the kernel shows them, and returns the group of a process in "a/b" of either version.
func cgroupWith(t *testing.T, files map[string]string) (g Cgroup, root string) {
	t.Helper()
	root = t.TempDir()
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return parseCgroup([]byte("4:memory:/a/b\n0::/a/b\n"), root), root
}

// TestLimitIsTheLowestOfAllGroups, of those above as well.
func TestLimitIsTheLowestOfAllGroups(t *testing.T) {
	for name, test := range map[string]struct {
		files map[string]string
		want  uint64
		file  string
	}{
		"its own":          {map[string]string{"a/b/memory.max": "100\n", "a/memory.max": "max\n"}, 100, "a/b/memory.max"},
		"one above":        {map[string]string{"a/b/memory.max": "max\n", "a/memory.max": "70\n"}, 70, "a/memory.max"},
		"the lower one":    {map[string]string{"a/b/memory.max": "100\n", "a/memory.max": "70\n"}, 70, "a/memory.max"},
		"slowed down":      {map[string]string{"a/b/memory.max": "100\n", "a/b/memory.high": "80\n"}, 80, "a/b/memory.high"},
		"version 1":        {map[string]string{"memory/a/b/memory.limit_in_bytes": "9223372036854771712\n", "memory/a/memory.limit_in_bytes": "50\n"}, 50, "memory/a/memory.limit_in_bytes"},
		"in a container":   {map[string]string{"memory/memory.limit_in_bytes": "50\n"}, 50, "memory/memory.limit_in_bytes"},
		"none":             {map[string]string{"a/b/memory.max": "max\n", "memory/a/b/memory.limit_in_bytes": "9223372036854771712\n"}, 0, ""},
		"nothing is shown": {nil, 0, ""},
	} {
		g, root := cgroupWith(t, test.files)
		want := ""
		if test.file != "" {
			want = filepath.Join(root, test.file)
		}
		if limit, file := g.limit(); limit != test.want || file != want {
			t.Errorf("%s: %d, %s", name, limit, file)
		}
	}
}

func TestEndedTogether(t *testing.T) {
	for name, test := range map[string]struct {
		files map[string]string
		want  string
	}{
		"its own":   {map[string]string{"a/b/memory.oom.group": "1\n"}, "a/b/memory.oom.group"},
		"one above": {map[string]string{"a/b/memory.oom.group": "0\n", "a/memory.oom.group": "1\n"}, "a/memory.oom.group"},
		"none":      {map[string]string{"a/b/memory.oom.group": "0\n"}, ""},
		"version 1": {map[string]string{"memory/a/b/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n"}, ""},
	} {
		g, root := cgroupWith(t, test.files)
		want := ""
		if test.want != "" {
			want = filepath.Join(root, test.want)
		}
		if got := g.EndedTogether(); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

func TestOOMKills(t *testing.T) {
	for name, test := range map[string]struct {
		files map[string]string
		want  uint64
	}{
		"its own":   {map[string]string{"a/b/memory.events": "low 0\nhigh 7\nmax 5\noom 4\noom_kill 3\noom_group_kill 0\n", "a/memory.events": "oom_kill 9\n"}, 3},
		"one above": {map[string]string{"a/memory.events": "oom_kill 9\n"}, 9},
		"version 1": {map[string]string{"memory/a/b/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n"}, 2},
	} {
		g, _ := cgroupWith(t, test.files)
		if kills, err := g.OOMKills(); err != nil || kills != test.want {
			t.Errorf("%s: %d, %v", name, kills, err)
		}
	}
	if _, err := (Cgroup{}).OOMKills(); err != nil { // of the machine
		t.Error(err)
	}
}

func TestCounter(t *testing.T) {
	for text, want := range map[string]bool{"oom 1\noom_kill 7\n": true, "oom_kill_disable 7\n": false, "oom_kill x\n": false, "": false} {
		if number, found := counter([]byte(text), "oom_kill"); found != want || found && number != 7 {
			t.Errorf("%q: %d, %v", text, number, found)
		}
	}
}
