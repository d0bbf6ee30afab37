package preforker

import (
	"os"

	"launcher/preforker/core"
	"launcher/preforker/sockets"
)

// closeSlot takes a slot's socket away while the others go on.
func (s *Supervisor) closeSlot(slot int) {
	s.noteHidden(s.sockets.HideSlot(slot))
	listener := s.takeListener(slot)
	if listener == nil {
		return
	}
	s.drainBacklog(listener, slot, s.neighbours(slot))
	s.moveHandover(slot)
}

// takeListener takes a slot's listener, nil where it is closed. Nobody waits for its connections any more.
func (s *Supervisor) takeListener(slot int) *os.File {
	listener := s.sockets.Take(slot)
	if listener != nil && s.readiness != nil {
		s.readiness.Forget(listener)
	}
	return listener
}

// noteHidden logs that a port could not be hidden: who connects while its queue is emptied is served for a while, or refused
// in the protocol.
func (s *Supervisor) noteHidden(err error) {
	if err != nil {
		s.log.Warn("a port could not be closed to new connections", keyError, err)
	}
}

// neighbours are the places of the sockets of the other slots that have a ready worker, where that takes connections of
// this host.
func (s *Supervisor) neighbours(slot int) []string {
	if !s.config.Allow.admitsOwn(s.placesOf(slot + 1)[slot]) {
		return nil
	}
	var places []string
	for _, other := range s.readyNeighbours(slot) {
		places = append(places, s.sockets.Place(other))
	}
	return places
}

// readyNeighbours are the other slots that have a ready worker.
func (s *Supervisor) readyNeighbours(slot int) (ready []int) {
	for _, other := range s.core.View(s.now()).Slots {
		if w := other.Serving(); other.Slot != slot && w != nil && w.State == core.ReadyWorker {
			ready = append(ready, other.Slot)
		}
	}
	return ready
}

// refuseBacklog refuses what still waits when the last worker has left: the queues of
// slots that had none. Kept ones are the next launcher's.
func (s *Supervisor) refuseBacklog() {
	if s.keepsSockets() {
		s.inherit()
		return
	}
	for slot := range s.sockets.Places() {
		if listener := s.takeListener(slot); listener != nil {
			s.drainBacklog(listener, slot, nil)
		}
	}
}

// drainBacklog empties and closes a slot's listener that no new connection can reach. It does not wait.
func (s *Supervisor) drainBacklog(listener *os.File, slot int, onward []string) {
	place := s.sockets.Place(slot)
	s.tasks.Go(func() { s.backlog().Drain(listener, place, onward) })
}

// dropBound closes a socket that was bound for a slot and is not needed. A web server may have
// connected to it meanwhile.
func (s *Supervisor) dropBound(slot int, bound sockets.Bound) {
	place, onward := s.placesOf(slot + 1)[slot], s.neighbours(slot)
	s.tasks.Go(func() {
		bound.File.Remove()
		s.backlog().Drain(bound.Listener, place, onward)
	})
}

func (s *Supervisor) backlog() sockets.Backlog {
	return sockets.Backlog{Refuse: s.config.Refuse, Done: s.done, Hurry: s.hurry.Done(), Admits: s.config.Allow.Admits,
		Lost: func(err error) { s.log.Warn("a waiting connection was lost", keyError, err) }}
}
