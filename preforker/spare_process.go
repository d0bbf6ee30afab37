package preforker

import (
	"launcher/preforker/core"
	"launcher/preforker/ident"
	"launcher/preforker/internal/wire"
	"launcher/preforker/ruby"
)

// spawnSpare has a worker forked that has no slot.
func (s *Supervisor) spawnSpare(key ident.Key) core.Event {
	if err := s.sendSpawn(key, nil, core.ProbeNone); err != nil {
		return core.WorkerSpawnFailed{Key: key, Failure: core.Failure{Class: "spawn", Message: err.Error()}}
	}
	return nil
}

// assignSpare gives a spare a slot. From here on it is known by that; what it has said before, and says, may still come with
// the key that it had.
func (s *Supervisor) assignSpare(a core.AssignSpare) {
	w := s.workers[a.Spare]
	if w == nil {
		return // it has ended; the core hears of it next
	}
	s.unpark(a.Key.Slot)
	delete(s.workers, a.Spare)
	s.measure.forget(a.Spare)
	w.key, w.socket = a.Key, s.sockets.Inode(a.Key.Slot)
	s.workers[a.Key] = w
	if w.origin != nil {
		w.origin.slot.Store(int64(a.Key.Slot))
	}
	files, err := s.slotFiles(a.Key.Slot)
	if err == nil && files == nil {
		return // it could not be bound: that event is on its way
	}
	if err == nil {
		err = ruby.Send(w.conn, wire.Assign{Slot: a.Key.Slot}, files...)
	}
	if err != nil {
		s.log.Warn("spare worker could not be given a slot", keySlot, a.Key.Slot, keyGeneration, a.Key.Generation, keyError, err)
		s.killWorker(core.KillWorker{Key: a.Key}) // else it would keep the slot until its time to be ready is over
	}
}
