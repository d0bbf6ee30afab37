package preforker

import "launcher/preforker/linux"

// reapStrangers buries descendants that nobody waits for. While the pid of a worker, or of a preloader
// that a worker gives birth to, is not known yet it could be among them, so the pass waits for the
// next death; a spawn that ends reports one.
func (s *Supervisor) reapStrangers() {
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
	linux.ReapStrangers(func(pid int) bool {
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
