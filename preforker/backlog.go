package preforker

import (
	"os"

	"launcher/preforker/core"
	"launcher/preforker/sockets"
)

// closeSlot takes a slot's socket away while the others go on.
func (s *Supervisor) closeSlot(slot int) {
	s.sockets.HideSlot(slot)
	listener := s.sockets.Take(slot)
	if listener == nil {
		return
	}
	s.drainBacklog(listener, s.neighbours(slot))
}

// neighbours are the sockets of the other slots that have a ready worker.
func (s *Supervisor) neighbours(slot int) []string {
	var paths []string
	for _, other := range s.core.View(s.now()).Slots {
		if w := other.Serving(); other.Slot != slot && w != nil && w.State == core.ReadyWorker {
			paths = append(paths, s.sockets.Path(other.Slot))
		}
	}
	return paths
}

// refuseBacklog refuses what still waits when the last worker has left: the queues of
// slots that had none.
func (s *Supervisor) refuseBacklog() {
	for slot := range s.sockets.Paths() {
		if listener := s.sockets.Take(slot); listener != nil {
			s.drainBacklog(listener, nil)
		}
	}
}

// drainBacklog empties and closes a listener that no new connection can reach. It does not wait.
func (s *Supervisor) drainBacklog(listener *os.File, onward []string) {
	s.tasks.Go(func() { s.backlog().Drain(listener, onward) })
}

// dropBound closes a socket that was bound for a slot and is not needed. A web server may have
// connected to it meanwhile.
func (s *Supervisor) dropBound(slot int, bound sockets.Bound) {
	onward := s.neighbours(slot)
	s.tasks.Go(func() {
		bound.File.Remove()
		s.backlog().Drain(bound.Listener, onward)
	})
}

func (s *Supervisor) backlog() sockets.Backlog {
	return sockets.Backlog{Refuse: s.config.Refuse, Done: s.done,
		Lost: func(err error) { s.log.Warn("a waiting connection was lost", keyError, err) }}
}
