package preforker

import (
	"context"
	"slices"
	"testing"

	"launcher/preforker/proc"
)

// TestKillAfterTheLoop: processes that boot has started are ended when the loop has ended, and a second signal
// may come meanwhile.
func TestKillAfterTheLoop(t *testing.T) {
	s := &Supervisor{notices: make(chan notice), done: make(chan struct{})}
	s.hurry, s.hasten = context.WithCancel(context.Background())
	close(s.done)
	if s.Kill("TERM"); s.hurry.Err() == nil {
		t.Error("they have their time all the same")
	}
}

// In these tests the supervisor is 10, and 20 is the Ruby that loads, in a session of its own.
const (
	supervisorPid = 10
	rubyPid       = 20
	rubyStart     = 200
)

// process is a process that was started after that Ruby.
func process(pid, parent, group, session int) proc.Process {
	return proc.Process{Pid: pid, Parent: parent, Group: group, Session: session, Start: rubyStart + uint64(pid), State: 'S'}
}

func supervisorAndRuby(more ...proc.Process) []proc.Process {
	ruby := process(rubyPid, supervisorPid, rubyPid, rubyPid)
	ruby.Start = rubyStart
	return append([]proc.Process{{Pid: 1, Start: 1}, {Pid: supervisorPid, Parent: 1, Group: 10, Session: 5, Start: 100}, ruby}, more...)
}

// without is what is left of processes when some have ended: their children are the supervisor's.
func without(processes []proc.Process, ended ...int) (left []proc.Process) {
	for _, p := range processes {
		if slices.Contains(ended, p.Pid) {
			continue
		}
		if slices.Contains(ended, p.Parent) {
			p.Parent = supervisorPid
		}
		left = append(left, p)
	}
	return left
}

// givenAgain is a process that has got the pid of one that has ended.
func givenAgain(p proc.Process) proc.Process {
	p.Start += 1000
	return p
}

func pidsOf(processes []proc.Process) (pids []int) {
	for _, p := range processes {
		pids = append(pids, p.Pid)
	}
	return pids
}

// TestFindHelpers: who is there when a generation ends, of those that its load has started.
func TestFindHelpers(t *testing.T) {
	boot := supervisorAndRuby(
		process(21, 20, 20, 20), // a shell,
		process(22, 21, 20, 20), // and what it has started
		process(23, 20, 23, 20), // in a group of its own
		process(40, 20, 40, 40), // in a session of its own
	)
	serving := append(slices.Clone(boot),
		process(24, 21, 20, 20), // started by the shell later on
		process(25, 23, 25, 20), // in a group that was made later on
		process(30, 20, 30, 20), // a worker,
		process(31, 30, 30, 20), // and what a request has started
		process(32, 20, 20, 20), // what a request has started where there is no preloader
		process(50, 10, 50, 50), // a Ruby of another generation,
		process(51, 50, 50, 50), // and what it has started
	)
	another := givenAgain(process(21, 30, 30, 20))
	for name, test := range map[string]struct {
		direct, failed bool
		now            []proc.Process
		want           []int
	}{
		"all there":                        {now: serving, want: []int{21, 22, 23, 24, 32}},
		"Ruby and workers gone":            {now: without(serving, 20, 30), want: []int{21, 22, 23, 24, 32}},
		"a shell gone":                     {now: without(serving, 20, 21, 30), want: []int{22, 23, 24, 32}},
		"all gone":                         {now: without(serving, 20, 21, 22, 23, 24, 25, 30, 31, 32)},
		"direct":                           {direct: true, now: serving, want: []int{21, 22, 23, 24, 25}},
		"direct, Ruby gone":                {direct: true, now: without(serving, 20), want: []int{21, 22, 23, 24, 25}},
		"direct, a shell gone":             {direct: true, now: without(serving, 20, 21), want: []int{22, 23, 25}},
		"direct, a pid given again":        {direct: true, now: append(without(serving, 20, 21, 22), another), want: []int{23, 25}},
		"failed":                           {failed: true, now: without(boot, 20), want: []int{21, 22, 23}},
		"failed, all of the session":       {failed: true, now: serving, want: []int{21, 22, 23, 24, 25, 30, 31, 32}},
		"direct, failed":                   {direct: true, failed: true, now: without(boot, 20), want: []int{21, 22, 23}},
		"Ruby's pid given again":           {now: append(without(serving, 20), givenAgain(process(20, 10, 20, 20)))},
		"failed, Ruby's pid given again":   {failed: true, now: append(without(boot, 20), givenAgain(process(20, 1, 20, 20)))},
		"moved away from the supervisor":   {now: supervisorAndRuby(process(21, 1, 20, 20))},
		"a zombie with a child":            {now: supervisorAndRuby(proc.Process{Pid: 21, Parent: 20, Group: 20, Session: 20, Start: 221, State: 'Z'}, process(22, 21, 20, 20)), want: []int{22}},
		"gone to a session after the load": {now: without(supervisorAndRuby(process(21, 20, 21, 21), process(23, 20, 23, 20)), 20), want: []int{23}},
	} {
		h := &helpers{ruby: boot[2], direct: test.direct}
		if !test.failed {
			h.note(proc.NewTable(boot), supervisorPid, func(pid int) bool { return pid == rubyPid })
		}
		if got := pidsOf(h.find(proc.NewTable(test.now), supervisorPid)); !slices.Equal(got, test.want) {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
}

// TestFindHelpersOfALaterTime: a thread of the preloader starts one when there was none yet.
func TestFindHelpersOfALaterTime(t *testing.T) {
	later := without(supervisorAndRuby(process(21, 20, 20, 20)), rubyPid)
	for direct, want := range map[bool][]int{false: {21}, true: nil} {
		h := &helpers{ruby: supervisorAndRuby()[2], direct: direct}
		h.note(proc.NewTable(supervisorAndRuby()), supervisorPid, func(pid int) bool { return pid == rubyPid })
		if got := pidsOf(h.find(proc.NewTable(later), supervisorPid)); !slices.Equal(got, want) {
			t.Errorf("direct %v: %v, want %v", direct, got, want)
		}
	}
}

// TestHelpersApart: who is told of and left running.
func TestHelpersApart(t *testing.T) {
	old := process(40, 10, 40, 40)
	old.Start = rubyStart - 1
	for name, test := range map[string]struct {
		more []proc.Process
		want []int
	}{
		"nobody":                               {},
		"in the session":                       {more: []proc.Process{process(21, 20, 21, 20)}},
		"a daemon":                             {more: []proc.Process{process(40, 10, 40, 40)}, want: []int{40}},
		"one whose parent is there":            {more: []proc.Process{process(40, 20, 40, 40)}, want: []int{40}},
		"one below another helper":             {more: []proc.Process{process(21, 20, 20, 20), process(40, 21, 40, 40)}, want: []int{40}},
		"one below a daemon":                   {more: []proc.Process{process(40, 10, 40, 40), process(41, 40, 41, 41)}, want: []int{40, 41}},
		"what a daemon has started":            {more: []proc.Process{process(40, 10, 40, 40), process(41, 40, 40, 40)}, want: []int{40}},
		"a daemon whose session's leader left": {more: []proc.Process{process(41, 10, 40, 40)}},
		"older than the load":                  {more: []proc.Process{old}},
		"another Ruby of the supervisor's":     {more: []proc.Process{process(50, 10, 50, 50)}},
		"a daemon of another Ruby's":           {more: []proc.Process{process(50, 10, 50, 50), process(51, 50, 51, 51)}},
		"nobody of the supervisor's":           {more: []proc.Process{process(60, 1, 60, 60)}},
	} {
		for _, direct := range []bool{false, true} {
			table := proc.NewTable(supervisorAndRuby(test.more...))
			ruby, _ := table.Find(rubyPid)
			h := &helpers{ruby: ruby, direct: direct}
			h.note(table, supervisorPid, func(pid int) bool { return pid == rubyPid || pid == 50 })
			if got := pidsOf(h.apart); !slices.Equal(got, test.want) {
				t.Errorf("%s, direct %v: %v, want %v", name, direct, got, test.want)
			}
		}
	}
}

// TestHelperBelowACircle: the table is no snapshot, and parents can seem to be each other's.
func TestHelperBelowACircle(t *testing.T) {
	table := proc.NewTable(supervisorAndRuby(process(41, 42, 41, 41), process(42, 41, 41, 41)))
	h := &helpers{ruby: proc.Process{Pid: rubyPid, Session: rubyPid, Start: rubyStart}}
	if h.isApart(table, process(40, 41, 40, 40), supervisorPid, func(int) bool { return false }) {
		t.Error("it has come of the load")
	}
}
