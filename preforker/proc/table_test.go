//go:build linux

package proc

import (
	"maps"
	"os"
	"slices"
	"testing"
)

func pids(processes []Process) []int {
	found := make([]int, 0, len(processes))
	for _, p := range processes {
		found = append(found, p.Pid)
	}
	return found
}

func TestDescendants(t *testing.T) {
	table := NewTable([]Process{
		{Pid: 1, Start: 1}, {Pid: 10, Parent: 1, Start: 5}, {Pid: 30, Parent: 10, Start: 7}, {Pid: 20, Parent: 10, Start: 6},
		{Pid: 5, Parent: 20, Start: 9}, // pids have come round
		{Pid: 31, Parent: 30, Start: 8, State: stateZombie}, {Pid: 32, Parent: 31, Start: 9}, {Pid: 40, Parent: 1, Start: 5},
		// 60 is older than its parent: the pid was another's.
		{Pid: 50, Parent: 40, Start: 99}, {Pid: 60, Parent: 50, Start: 50},
		// Each other's parent, in one tick.
		{Pid: 70, Parent: 71, Start: 60}, {Pid: 71, Parent: 70, Start: 60},
		{Pid: 80, Parent: 9999, Start: 61},
	})
	for _, test := range []struct {
		root   int
		except []int
		want   []int
	}{
		{root: 10, want: []int{5, 20, 30, 32}},
		{root: 10, except: []int{20}, want: []int{30, 32}},
		{root: 10, except: []int{20, 31}, want: []int{30}},
		{root: 10, except: []int{10}},
		{root: 10, except: []int{40, 12345}, want: []int{5, 20, 30, 32}},
		{root: 40, want: []int{50}}, {root: 70, want: []int{71}}, {root: 80}, {root: 9999}, {root: 12345},
		{root: 1, want: []int{5, 10, 20, 30, 32, 40, 50}},
	} {
		got := pids(table.Descendants(test.root, test.except...))
		if !slices.Equal(got, test.want) {
			t.Errorf("below %d except %v: %v, want %v", test.root, test.except, got, test.want)
		}
	}
}

func TestExtend(t *testing.T) {
	table := NewTable([]Process{
		{Pid: 1, Start: 1}, {Pid: 10, Parent: 1, Start: 5}, {Pid: 12, Parent: 10, Start: 6, State: stateZombie},
		{Pid: 11, Parent: 12, Start: 7}, {Pid: 20, Parent: 1, Start: 5}, {Pid: 21, Parent: 20, Start: 6},
		{Pid: 30, Parent: 20, Start: 4}, // older than its parent: the pid was another's
		// Each other's parent, in one tick.
		{Pid: 70, Parent: 71, Start: 60}, {Pid: 71, Parent: 70, Start: 60},
	})
	if got, want := pids(table.All()), []int{1, 10, 11, 12, 20, 21, 30, 70, 71}; !slices.Equal(got, want) {
		t.Errorf("all: %v, want %v", got, want)
	}
	for _, test := range []struct{ of, want []int }{
		{[]int{10}, []int{10, 11, 12}}, {[]int{10, 20}, []int{10, 11, 12, 20, 21}}, {[]int{70}, []int{70, 71}},
		{[]int{9999}, []int{9999}}, {nil, nil},
	} {
		set := make(map[int]bool)
		for _, pid := range test.of {
			set[pid] = true
		}
		table.Extend(set)
		if got := slices.Sorted(maps.Keys(set)); !slices.Equal(got, test.want) {
			t.Errorf("%v with all below: %v, want %v", test.of, got, test.want)
		}
	}
}

func TestProcesses(t *testing.T) {
	// They end with their parent, which alone holds the other end of what they read.
	ruby := startRuby(t, `
		reader, writer = IO.pipe
		child = fork do
		  writer.close
		  puts fork { reader.read }
		  reader.read
		end
		reader.close
		puts child
		$stdin.read`)
	descendants := []int{ruby.number(), ruby.number()}
	slices.Sort(descendants)
	zombie := startHelper(t, helpGrow)
	zombie.expect("ready")
	_ = zombie.input.Close()
	zombie.awaitZombie()

	table, err := Processes()
	if err != nil {
		t.Fatal(err)
	}
	if got := pids(table.Descendants(ruby.pid())); !slices.Equal(got, descendants) {
		t.Errorf("below Ruby: %v, want %v", got, descendants)
	}
	mine := pids(table.Descendants(os.Getpid()))
	for _, pid := range append(descendants, ruby.pid()) {
		if !slices.Contains(mine, pid) {
			t.Errorf("below the test: %v, without %d", mine, pid)
		}
	}
	if p, found := table.Find(zombie.pid()); !found || !p.Zombie() || slices.Contains(mine, zombie.pid()) {
		t.Errorf("the zombie: found %v, %+v, below the test %v", found, p, mine)
	}
	if got := table.Descendants(os.Getpid(), ruby.pid()); len(got) != len(mine)-3 {
		t.Errorf("below the test: %v, and %v without Ruby's", mine, pids(got))
	}
	one, err := ProcessOf(os.Getpid())
	me, found := table.Find(os.Getpid())
	if err != nil || !found || me.Start != one.Start || me.Comm != one.Comm || me.Parent != os.Getppid() {
		t.Errorf("ProcessOf says %+v, %v, the table %+v", one, err, me)
	}
}
