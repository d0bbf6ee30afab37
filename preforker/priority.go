package preforker

import (
	"errors"
	"syscall"
	"time"

	"launcher/preforker/ident"
	"launcher/preforker/linux"
)

const (
	// lowNiceness is what a new release has more than the supervisor while it loads: it gets a tenth of a CPU that one thread of another
	// process wants.
	lowNiceness = 10
	// lowSession is that of its session beside others: a third of what one with as much to do gets. One thread alone in its session gets
	// two thirds of a CPU beside a session that keeps two CPUs busy; with this it is two fifths, and with 10 it would be a sixth.
	lowSession = 5
)

// sessionPause is how long the kernel may take no wish for a session's priority, and some more.
const sessionPause = 110 * time.Millisecond

// lowered says what of a preloader's priority has been lowered.
type lowered struct {
	threads bool
	session bool // beside other sessions, among which the kernel may share the CPUs first: each preloader leads one
}

// lowerPriority has a preloader that was just started get less of the CPUs than those who serve. What could not be taken back stays: its
// workers would have it, too. That of a session can be.
func (s *Supervisor) lowerPriority(p *preloaderProcess) {
	if err := linux.SetSessionNiceness(p.child.Pid, lowSession); err != nil {
		s.log.Debug("priority of the preloader's session stays", keyPreloader, p.origin, keyError, err)
	} else {
		p.lowered.session = true
	}
	own, err := linux.Niceness()
	if err != nil || !linux.MayLowerNiceness(own) {
		return
	}
	if err := linux.SetNiceness(p.child.Pid, min(own+lowNiceness, 19)); err != nil {
		s.log.Debug("priority of the preloader stays", keyPreloader, p.origin, keyError, err) // it may have ended
		return
	}
	p.lowered.threads = true
}

// restorePriority is also for the threads and processes that the application has started meanwhile, as far as they are in the
// preloader's group.
func (s *Supervisor) restorePriority(origin ident.Origin) {
	p := s.preloaders[origin]
	if p == nil {
		return
	}
	was := p.lowered
	p.lowered = lowered{}
	if was.session {
		s.restoreSession(p)
	}
	if !was.threads {
		return
	}
	own, err := linux.Niceness()
	if err == nil {
		err = linux.SetNiceness(p.child.Pid, own)
	}
	if err != nil {
		s.log.Warn("priority of the preloader could not be restored", keyPreloader, origin, keyError, err)
	}
}

// restoreSession is for all who are in the session, those who were forked meanwhile among them. Where the kernel puts it off it goes on
// beside the loop.
func (s *Supervisor) restoreSession(p *preloaderProcess) {
	err := linux.SetSessionNiceness(p.child.Pid, 0)
	switch {
	case err == nil:
	case !errors.Is(err, syscall.EAGAIN):
		s.log.Warn("priority of the preloader's session could not be restored", keyPreloader, p.origin, keyError, err)
	default:
		s.tasks.Go(func() {
			select {
			case <-time.After(sessionPause):
				s.restoreSession(p)
			case <-p.read: // it has ended
			case <-s.done:
			}
		})
	}
}
