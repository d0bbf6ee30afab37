package preforker

import (
	"launcher/preforker/ident"
	"launcher/preforker/linux"
)

// lowNiceness is what a new release has more than the supervisor while it loads: it gets a tenth of a CPU that one thread of another
// process wants. Where the kernel shares the CPUs among sessions first (autogroup, sched(7)) it gets as much as all of another session.
const lowNiceness = 10

// lowerPriority has a preloader that was just started get less of the CPUs than those who serve. Where that could not be taken back
// nothing is done: its workers would have it, too.
func (s *Supervisor) lowerPriority(p *preloaderProcess) {
	own, err := linux.Niceness()
	if err != nil || !linux.MayLowerNiceness(own) {
		return
	}
	if err := linux.SetNiceness(p.child.Pid, min(own+lowNiceness, 19)); err != nil {
		s.log.Debug("priority of the preloader stays", keyPreloader, p.origin, keyError, err) // it may have ended
		return
	}
	p.lowered = true
}

// restorePriority is also for the threads and processes that the application has started meanwhile, as far as they are in the
// preloader's group.
func (s *Supervisor) restorePriority(origin ident.Origin) {
	p := s.preloaders[origin]
	if p == nil || !p.lowered {
		return
	}
	p.lowered = false
	own, err := linux.Niceness()
	if err == nil {
		err = linux.SetNiceness(p.child.Pid, own)
	}
	if err != nil {
		s.log.Warn("priority of the preloader could not be restored", keyPreloader, origin, keyError, err)
	}
}
