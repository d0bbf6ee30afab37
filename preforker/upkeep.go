package preforker

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"launcher/preforker/control"
	"launcher/preforker/core"
	"launcher/preforker/ruby"
	"launcher/preforker/smallfile"
	"launcher/preforker/sockets"
)

// People clean log/, a deploy gives the folder's name to another one, a tool removes what is old: files that
// the web server, the next launcher and "launcher status" need are gone then, and the launcher with them, though it
// runs. So they are looked at all the time. Looking costs a stat a file; inotify would tell nothing where a folder
// above is renamed, or another one is mounted over it.

const (
	// folderPeriod is how often the files are looked at.
	folderPeriod = time.Second
	// mostUpkeepPause is the longest wait before what could not be put back is tried again.
	mostUpkeepPause = 30 * time.Second
)

// upkeep is what the loop knows about putting files back.
type upkeep struct {
	looking bool // a look is under way: on a disk that does not answer it could be so for long
	next    time.Time
	pause   time.Duration
	trouble string // what was last in the way, "": nothing
}

// folderLook is what there is to look at. Its goroutine alone waits for the disk.
type folderLook struct {
	paths   []string
	sockets map[int]sockets.NamedFile // of the slots whose socket is open
	pid     *sockets.PidFile
	control *control.Server
	heap    *ruby.HeapFile
	snippet string // path
}

// folderChecked tells what is missing, of those things that were there when it began.
type folderChecked struct {
	look                        folderLook
	sockets                     []int
	pid, control, heap, snippet bool
}

// lookAtFolder begins a look. A launcher that stops has taken the files away itself.
func (s *Supervisor) lookAtFolder() {
	if s.upkeep.looking || s.core.Phase() >= core.PhaseStopping {
		return
	}
	s.upkeep.looking = true
	pid := *s.pid
	look := folderLook{paths: s.sockets.Paths(), sockets: s.sockets.Files(), pid: &pid, control: s.control, heap: s.heap}
	if s.config.SnippetName != "" {
		look.snippet = filepath.Join(s.config.SocketDir, s.config.SnippetName)
	}
	s.tasks.Go(func() { s.post(look.run()) })
}

func (l folderLook) run() folderChecked {
	found := folderChecked{look: l, pid: l.pid.Lost(), control: l.control.Lost(), heap: l.heap.Lost()}
	for slot := range l.paths {
		if file, open := l.sockets[slot]; open && file.Lost(l.paths[slot]) {
			found.sockets = append(found.sockets, slot)
		}
	}
	if l.snippet != "" {
		_, err := os.Lstat(l.snippet)
		found.snippet = err != nil && smallfile.IsMissing(err)
	}
	return found
}

// folderChecked puts back what is missing. The sockets of slots are the core's to decide about.
func (s *Supervisor) folderChecked(e folderChecked) (core.Event, bool) {
	s.upkeep.looking = false
	if s.core.Phase() >= core.PhaseStopping {
		return nil, false
	}
	if (e.pid || e.control || e.heap || e.snippet) && !time.Now().Before(s.upkeep.next) {
		s.upkeep.pause = min(max(2*s.upkeep.pause, folderPeriod), mostUpkeepPause)
		s.upkeep.next = time.Now().Add(s.upkeep.pause)
		if err := s.putBack(e); err != nil {
			s.tellUpkeep(err)
		} else {
			s.upkeep.pause, s.upkeep.next, s.upkeep.trouble = 0, time.Time{}, ""
		}
	}
	return s.lostSockets(e)
}

// lostSockets tells the core which sockets are lost, of those that are the same as when the look began.
func (s *Supervisor) lostSockets(e folderChecked) (core.Event, bool) {
	var lost []int
	for _, slot := range e.sockets {
		if s.sockets.Listener(slot) != nil && s.sockets.Files()[slot] == e.look.sockets[slot] {
			lost = append(lost, slot)
		}
	}
	if len(lost) == 0 {
		return nil, false
	}
	return core.SocketsLost{Slots: lost}, true
}

// putBack makes anew what is missing beside the sockets.
func (s *Supervisor) putBack(e folderChecked) error {
	if err := s.keepFolder(); err != nil {
		return err
	}
	if e.control && s.control == e.look.control {
		if err := s.replaceControl(); err != nil {
			return err
		}
		s.log.Warn("control socket was removed or replaced; it is bound anew", keyPath, s.control.Path())
	}
	if e.snippet {
		if err := s.dir.WriteSnippet(s.config.SnippetName, s.config.Snippet); err != nil {
			return err
		}
		s.log.Warn("the web server's configuration was removed; it is written anew", keyPath, e.look.snippet)
	}
	if e.heap {
		return s.heap.WriteAgain() // it is no loss, and no news
	}
	return nil
}

// keepFolder makes sure that the folder is there, and that no other launcher has taken it meanwhile: without
// that nothing may be put into it.
func (s *Supervisor) keepFolder() error {
	if !s.pid.Lost() {
		return nil
	}
	if err := s.dir.Restore(s.config.App.Root); err != nil {
		return err
	}
	fresh, err := sockets.LockPidFile(s.config.SocketDir)
	if err != nil {
		return fmt.Errorf("lock socket folder again: %w", err)
	}
	s.pid.Release()
	s.pid = fresh
	s.upkeep.trouble = ""
	s.log.Warn("pid file was removed or replaced; it is written anew", keyPath, fresh.Path)
	return nil
}

// tellUpkeep logs what is in the way, once until it is something else.
func (s *Supervisor) tellUpkeep(err error) {
	if err.Error() != s.upkeep.trouble {
		s.upkeep.trouble = err.Error()
		s.log.Error("files could not be put back into the socket folder; it is tried again", keyError, err)
	}
}

// openSlot binds the socket of a slot that has none.
func (s *Supervisor) openSlot(slot int) core.Event {
	if err := s.keepFolder(); err != nil {
		s.tellUpkeep(err)
		return core.SlotNotBound{Slot: slot, Error: err.Error(), Told: true}
	}
	if err := s.sockets.Bind(slot, sockets.Staleness{Predecessor: s.pid.Predecessor, Moved: true}); err != nil {
		return core.SlotNotBound{Slot: slot, Error: err.Error()}
	}
	return nil
}

// rebindSlot binds a socket in the place of one that cannot be reached any more. What waits there goes to the new
// one; the workers of the older one serve what they get before.
func (s *Supervisor) rebindSlot(slot int) core.Event {
	s.sockets.HideSlot(slot)
	older := s.sockets.Take(slot)
	failed := s.openSlot(slot)
	switch {
	case older == nil:
	case failed == nil:
		s.drainBacklog(older, s.sockets.Paths()[slot:slot+1])
	case len(s.core.View(s.now()).Slots[slot].Workers) > 0:
		_ = older.Close() // they have it too, and empty its queue before they leave
	default:
		s.drainBacklog(older, s.neighbours(slot))
	}
	return failed
}
