package preforker

import "launcher/preforker/linux"

// reapOrphans reaps descendants that nobody waits for. As long as the pid of a worker, or of a
// preloader that a worker has forked, is not known, it could be among them, so the pass waits
// for the next child that ends; a spawn that ends reports one.
func (s *Supervisor) reapOrphans() {
	for _, w := range s.workers {
		if w.child == nil {
			return
		}
	}
	for _, p := range s.preloaders {
		if p.child == nil {
			return
		}
	}
	linux.ReapOrphans(func(pid int) bool {
		for _, w := range s.workers {
			if w.child.Pid == pid {
				return true
			}
		}
		for _, p := range s.preloaders {
			if p.child.Pid == pid {
				return true
			}
		}
		return false
	})
}
