package preforker

import (
	"fmt"

	"launcher/preforker/ident"
	"launcher/preforker/linux"
)

// followKernel begins to hear of what only the kernel tells: the ends of workers, and connections at parked slots.
func (s *Supervisor) followKernel() (err error) {
	if s.endings, err = linux.NewEndings(); err != nil {
		return fmt.Errorf("wait for workers: %w", err)
	}
	s.tasks.Go(func() {
		if err := s.endings.Wait(); err != nil {
			s.log.Error("ends of workers are not noticed any more", keyError, err)
		}
	})
	if err := s.followConnections(); err != nil {
		s.endFollowing()
		return err
	}
	return nil
}

// endFollowing ends what followKernel has begun.
func (s *Supervisor) endFollowing() {
	s.endings.Close()
	if s.readiness != nil {
		s.readiness.Close()
	}
}

// followEnd has a worker's end posted. It waits in a goroutine of its own only where no other way is left.
func (s *Supervisor) followEnd(w *workerProcess, key ident.Key) {
	await := func() { s.tasks.Go(func() { s.awaitWorker(w, key) }) }
	if err := s.endings.Follow(w.child, await); err != nil {
		s.log.Debug("worker is waited for by itself", keySlot, key.Slot, keyGeneration, key.Generation, keyPid, w.child.Pid, keyError, err)
		await()
	}
}
