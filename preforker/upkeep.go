package preforker

import (
	"errors"
	"path/filepath"
	"time"

	"launcher/preforker/core"
	"launcher/preforker/sockets"
)

// People clean log/, a deploy gives the folder's name to another one, a tool removes what is old:
// files that the web server, the next launcher and "launcher status" need are gone then, and the
// launcher with them, though it runs. So they are checked all the time. That costs a stat a file;
// inotify would tell nothing where a folder above is renamed, or another one is mounted over it.

const (
	// folderPeriod is how often the files are checked.
	folderPeriod = time.Second
	// maxUpkeepPause is the longest wait before what could not be put back is tried again.
	maxUpkeepPause = 30 * time.Second
)

// upkeep is what the loop knows about putting files back.
type upkeep struct {
	checking bool                // on a disk that does not answer it could be so for long
	scales   []scaleAsked        // that wait for its end: it has the names of sockets, which they give to others
	files    []sockets.NamedFile // of the sockets as the check has them: the same memory each time
	next     time.Time
	pause    time.Duration
	trouble  string // what was last in the way, "": nothing

	// The sockets that the last check has bound in the place of lost ones, and why it has not,
	// until the core says what becomes of them.
	bound   map[int]sockets.Bound
	unbound map[int]error
}

// checkFolder begins a check. A launcher that stops has taken the files away itself.
func (s *Supervisor) checkFolder() {
	if s.upkeep.checking || s.core.Phase() >= core.PhaseStopping {
		return
	}
	s.upkeep.checking = true
	s.upkeep.files = s.sockets.AppendFiles(s.upkeep.files[:0])
	check := folderCheck{root: s.config.App.Root, dir: s.config.SocketDir, snippetName: s.config.SnippetName, snippet: s.config.Snippet,
		socketOptions: s.socketOptions(), folder: s.dir, paths: s.sockets.Places(), files: s.upkeep.files,
		pid: s.pid, control: s.control, heap: s.heap, restore: !time.Now().Before(s.upkeep.next)}
	s.tasks.Go(func() {
		s.checkRestartFile()
		found := check.run()
		select {
		case s.notices <- found:
		case <-s.done:
			found.discard()
		}
	})
}

// folderChecked takes over what was made anew. The sockets of slots are the core's to decide about.
func (s *Supervisor) folderChecked(found folderChecked) (core.Event, bool) {
	s.upkeep.checking = false
	s.resumeScales()
	if s.core.Phase() >= core.PhaseStopping {
		for slot, bound := range found.bound {
			s.dropBound(slot, bound)
		}
		found.bound = nil
		s.tasks.Go(found.discard)
		return nil, false
	}
	if older := s.pid; found.pid != nil {
		s.pid = found.pid
		s.tasks.Go(older.Release)
		s.log.Warn("pid file was removed or replaced; it is written anew", keyPath, s.pid.Path)
	}
	if older := s.control; found.control != nil {
		s.control = found.control
		s.serveControl()
		s.tasks.Go(older.Close)
		s.log.Warn("control socket was removed or replaced; it is bound anew", keyPath, s.control.Path())
	}
	if found.snippet {
		s.log.Warn("the web server's configuration was removed; it is written anew", keyPath, filepath.Join(s.config.SocketDir, s.config.SnippetName))
	}
	switch {
	case found.err != nil:
		s.upkeep.pause = min(max(2*s.upkeep.pause, folderPeriod), maxUpkeepPause)
		s.upkeep.next = time.Now().Add(s.upkeep.pause)
		s.tellUpkeep(found.err)
	case found.tried:
		s.upkeep.pause, s.upkeep.next, s.upkeep.trouble = 0, time.Time{}, ""
	}
	return s.lostSockets(found)
}

// resumeScales has what has waited for the check be done, after what the check has found.
func (s *Supervisor) resumeScales() {
	if len(s.upkeep.scales) > 0 {
		s.tasks.Go(func() { s.post(scalesResumed{}) })
	}
}

// scalesResumed does what has waited, unless another check has begun meanwhile.
func (s *Supervisor) scalesResumed() {
	if s.upkeep.checking {
		return
	}
	waiting := s.upkeep.scales
	s.upkeep.scales = nil
	for _, asked := range waiting {
		s.scaleNow(asked)
	}
}

// lostSockets tells the core which sockets are lost, of those that are the same as when the check
// began.
func (s *Supervisor) lostSockets(found folderChecked) (core.Event, bool) {
	s.discardBound()
	s.upkeep.bound, s.upkeep.unbound = found.bound, found.unbound
	if len(found.lost) == 0 {
		return nil, false
	}
	files := s.sockets.Files()
	var lost []int
	for _, slot := range found.lost {
		if slot < len(files) && files[slot].Held() && files[slot] == found.check.files[slot] {
			lost = append(lost, slot)
		} else if bound, is := found.bound[slot]; is {
			s.dropBound(slot, bound)
			delete(found.bound, slot)
		}
	}
	if len(lost) == 0 {
		return nil, false
	}
	return core.SocketsLost{Slots: lost}, true
}

// discardBound closes sockets that the core has had no use for.
func (s *Supervisor) discardBound() {
	for slot, bound := range s.upkeep.bound {
		s.dropBound(slot, bound)
	}
	s.upkeep.bound = nil
}

// tellUpkeep logs what is in the way, once until it is something else.
func (s *Supervisor) tellUpkeep(err error) {
	if err.Error() != s.upkeep.trouble {
		s.upkeep.trouble = err.Error()
		s.log.Error("files could not be put back into the socket folder; it is tried again", keyError, err)
	}
}

var errFolderLost = errors.New("the socket folder is not this launcher's at the moment")

// openSlot binds the socket of a slot that has none. Where the folder has to come back before, the next
// check tries that, however long the last attempts have failed: nobody may be served meanwhile.
func (s *Supervisor) openSlot(slot int) core.Event {
	failed := s.bindSlot(slot)
	if unbound, is := failed.(core.SlotNotBound); is && unbound.Told {
		s.upkeep.next = time.Time{}
	}
	return failed
}

// bindSlot binds a slot's socket. In a folder that is gone, or another launcher's, the next check has
// to put things right before. A port is in no folder.
func (s *Supervisor) bindSlot(slot int) core.Event {
	if s.pid.Lost() && s.config.Listen == nil {
		return core.SlotNotBound{Slot: slot, Error: errFolderLost.Error(), Told: true}
	}
	if err := s.sockets.Bind(slot, sockets.Staleness{Predecessor: s.pid.Predecessor, Moved: true}); err != nil {
		return core.SlotNotBound{Slot: slot, Error: err.Error()}
	}
	return nil
}

// rebindSlot puts a socket in the place of one that cannot be reached any more. What waits there
// goes to the new one; the workers of the older one serve what they get before.
func (s *Supervisor) rebindSlot(slot int) core.Event {
	s.noteHidden(s.sockets.HideSlot(slot))
	older := s.takeListener(slot)
	failed := s.replaceSocket(slot)
	switch {
	case older == nil:
	case failed == nil:
		s.drainBacklog(older, slot, s.sockets.Places()[slot:slot+1])
	case len(s.core.View(s.now()).Slots[slot].Workers) > 0:
		_ = older.Close() // they have it too, and empty its queue before they leave
	default:
		s.drainBacklog(older, slot, s.neighbours(slot))
	}
	return failed
}

// replaceSocket takes over what the check has bound, or could not bind.
func (s *Supervisor) replaceSocket(slot int) core.Event {
	if bound, is := s.upkeep.bound[slot]; is {
		delete(s.upkeep.bound, slot)
		s.sockets.Put(slot, bound)
		return nil
	}
	if err, is := s.upkeep.unbound[slot]; is {
		delete(s.upkeep.unbound, slot)
		return core.SlotNotBound{Slot: slot, Error: err.Error()}
	}
	return s.bindSlot(slot)
}
