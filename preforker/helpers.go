package preforker

import (
	"context"
	"log/slog"
	"os"
	"sync"
	"syscall"
	"time"

	"launcher/preforker/ident"
	"launcher/preforker/linux"
	"launcher/preforker/proc"
)

// helperGrace is what processes that boot has started get between being asked to end and being
// killed.
const helperGrace = 5 * time.Second

// helpers are the processes that an application has started while it loaded: a renderer, a watcher,
// a daemon. They belong to the generation, and end with its last process. The Ruby that loads leads
// a session; what is in another one has left it on purpose, and is only told of.
//
// With a preloader they are those of the process groups that were there when it had loaded: workers
// are in groups of their own, with all that requests start. A worker that loads the application by
// itself cannot leave its group, so there they are the processes that were there, and all below
// them. Where nothing has loaded, all of the session.
type helpers struct {
	ruby   proc.Process // which has loaded, or was to
	loaded bool
	direct bool
	groups map[int]bool
	first  []proc.Process
	apart  []proc.Process
}

// expectHelpers begins with the start of a Ruby that is to load the application. The key of a
// preloader has the generation alone.
func (s *Supervisor) expectHelpers(key ident.Key, child *linux.Child) {
	ruby, err := proc.ProcessOf(child.Pid)
	if err != nil {
		s.log.Debug("processes that boot starts cannot be told", keyPid, child.Pid, keyError, err)
		return
	}
	s.helpers[key] = &helpers{ruby: ruby, direct: s.config.SpawnMethod == SpawnDirect}
}

// helpersSeen is what was there when a Ruby had just loaded the application. It comes before
// core.PreloaderLoaded or core.WorkerLoaded, for the loop alone: the core hears of the load when
// its helpers are known.
type helpersSeen struct {
	key   ident.Key
	table proc.Table
}

// readHelpers reads what was started, before anything else can be. It is called by who reads
// what a Ruby says, when that has loaded: the loop does not wait for the pass, but what the Ruby
// says next, and its end, do.
func (s *Supervisor) readHelpers(key ident.Key) {
	table, err := s.processes.Processes()
	if err != nil {
		s.log.Debug("processes that boot has started cannot be told", keyError, err)
		return
	}
	s.post(helpersSeen{key, table})
}

func (s *Supervisor) noteHelpers(e helpersSeen) {
	if h := s.helpers[e.key]; h != nil && !h.loaded {
		h.note(e.table, os.Getpid(), s.owns)
	}
}

// note keeps who of a table has come of this load. Owns says whether a process is a preloader or a
// worker.
func (h *helpers) note(table proc.Table, supervisor int, owns func(pid int) bool) {
	h.loaded, h.groups = true, map[int]bool{}
	if !h.direct {
		h.groups[h.ruby.Pid] = true
	}
	for _, p := range table.Descendants(supervisor) {
		switch {
		case p.Pid == h.ruby.Pid:
		case p.Session == h.ruby.Session:
			h.first = append(h.first, p)
			if !h.direct {
				h.groups[p.Group] = true
			}
		case p.Start >= h.ruby.Start && h.isApart(table, p, supervisor, owns):
			h.apart = append(h.apart, p)
		}
	}
}

// isApart says whether a process that is in no session of the launcher's has come of this load: a
// daemon has lost its parent, and is the supervisor's child by now.
func (h *helpers) isApart(table proc.Table, p proc.Process, supervisor int, owns func(pid int) bool) bool {
	if p.Session != p.Pid || owns(p.Pid) {
		return false
	}
	for parent, levels := p.Parent, 0; levels < maxLevels; levels++ {
		if parent == h.ruby.Pid {
			return true
		}
		above, found := table.Find(parent)
		if !found || owns(parent) {
			return false
		}
		if parent == supervisor {
			return true
		}
		parent = above.Parent
	}
	return false
}

// maxLevels of processes above one are followed: the table is no snapshot, and pids that were given
// again meanwhile could make a circle of it.
const maxLevels = 1000

// owns says whether a process is a preloader or a worker.
func (s *Supervisor) owns(pid int) bool {
	for _, w := range s.workers {
		if w.child != nil && w.child.Pid == pid {
			return true
		}
	}
	for _, p := range s.preloaders {
		if p.child != nil && p.child.Pid == pid {
			return true
		}
	}
	return false
}

// endHelpersOf ends what belongs to processes that are gone. It is called after each end of one.
func (s *Supervisor) endHelpersOf(key ident.Key) {
	if s.config.SpawnMethod != SpawnDirect {
		key = ident.Key{Generation: key.Generation}
		if s.hasProcesses(key.Generation) {
			return
		}
	}
	h := s.helpers[key]
	if h == nil {
		return
	}
	delete(s.helpers, key)
	s.tasks.Go(func() { s.endHelpers(h, ofOrigin(key.Origin())) })
}

func (s *Supervisor) hasProcesses(generation int) bool {
	for origin := range s.preloaders {
		if origin.Generation == generation {
			return true
		}
	}
	for key := range s.workers {
		if key.Generation == generation {
			return true
		}
	}
	return false
}

// endHelpers asks them, and kills what is left after a while. Who is started by one of them
// meanwhile is seen by the second pass.
func (s *Supervisor) endHelpers(h *helpers, who []slog.Attr) {
	ended := map[int]bool{}
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		table, err := s.processes.Processes()
		if err != nil {
			s.log.Warn("processes that boot has started could not be ended", keyError, err)
			return
		}
		found := h.find(table, os.Getpid())
		for _, p := range found {
			ended[p.Pid] = true
		}
		s.signalHelpers(found, signal)
		if len(found) == 0 {
			break
		}
	}
	if len(ended) > 0 {
		s.log.LogAttrs(context.Background(), slog.LevelInfo, "processes that boot had started were ended", append(who, slog.Int(keyProcesses, len(ended)))...)
	}
	for _, p := range h.apart {
		if now, err := proc.ProcessOf(p.Pid); err == nil && now.Start == p.Start && !now.Zombie() {
			s.log.LogAttrs(context.Background(), slog.LevelInfo, "a process that boot has started in a session of its own is left running",
				append(who, slog.Int(keyPid, p.Pid), slog.String(keyTitle, proc.Title(p.Pid)))...)
		}
	}
}

// find is who there is now.
func (h *helpers) find(table proc.Table, supervisor int) (found []proc.Process) {
	if leader, is := table.Find(h.ruby.Pid); is && leader.Start != h.ruby.Start {
		return nil // the number is another's by now, so nobody is left who had it
	}
	first := map[int]uint64{}
	for _, p := range h.first {
		first[p.Pid] = p.Start
	}
	below := map[int]bool{} // one of the first, or below one
	for pid, start := range first {
		if p, is := table.Find(pid); is && p.Start == start {
			below[pid] = true
			for _, p := range table.Descendants(pid) {
				below[p.Pid] = true
			}
		}
	}
	for _, p := range table.Descendants(supervisor) {
		if p.Session != h.ruby.Session || p.Pid == h.ruby.Pid {
			continue
		}
		if !h.loaded || h.groups[p.Group] || h.direct && below[p.Pid] {
			found = append(found, p)
		}
	}
	return found
}

// signalHelpers sends each a signal and waits until all have ended, but no longer than helperGrace.
func (s *Supervisor) signalHelpers(found []proc.Process, signal syscall.Signal) {
	var processes []*linux.Process
	for _, p := range found {
		process, err := linux.FollowProcess(p.Pid)
		if err != nil {
			continue // it has ended
		}
		defer process.Close()
		if now, err := proc.ProcessOf(p.Pid); err != nil || now.Start != p.Start {
			continue // it has ended, and another has its pid
		}
		if err := process.Signal(signal); err != nil {
			s.log.Warn("a process that boot had started could not be signalled", keyPid, p.Pid, keyError, err)
		}
		processes = append(processes, process)
	}
	end := time.NewTimer(helperGrace)
	defer end.Stop()
	var watching sync.WaitGroup
	defer watching.Wait()
	done := make(chan struct{})
	defer close(done)
	watching.Go(func() {
		select {
		case <-done:
		case <-s.hurry.Done():
		case <-end.C:
		}
		for _, process := range processes {
			_ = process.Deadline(time.Now()) // AwaitEnd returns
		}
	})
	for _, process := range processes {
		process.AwaitEnd()
	}
}
