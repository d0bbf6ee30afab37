package preforker

import (
	"fmt"
	"syscall"

	"launcher/preforker/core"
	"launcher/preforker/linux"
	"launcher/preforker/sockets"
)

// Keeper has copies of listening sockets beyond the end of this process, and gives them to the next one. Its methods are called by the
// loop, and do not wait.
type Keeper interface {
	// Keep has it copy a socket, under a name.
	Keep(name string, socket syscall.Conn)
	// Drop has it close all copies under a name.
	Drop(name string)
}

// KeptSlot is the name under which the socket of a slot is kept.
func KeptSlot(slot int) string { return fmt.Sprintf("kept-slot-%d", slot) }

// GivenSlot is the name of the socket of a slot that somebody else has bound.
func GivenSlot(slot int) string { return fmt.Sprintf("slot-%d", slot) }

// keepSockets has the keeper have the sockets that the slots have now, and no others.
func (s *Supervisor) keepSockets() {
	if s.config.Keeper == nil {
		return
	}
	for slot, inode := range s.kept {
		if slot >= s.config.Workers || s.sockets.Inode(slot) != inode {
			s.config.Keeper.Drop(KeptSlot(slot))
			delete(s.kept, slot)
		}
	}
	for slot := range s.config.Workers {
		inode := s.sockets.Inode(slot)
		if inode == 0 || s.sockets.IsGiven(slot) || s.kept[slot] == inode {
			continue
		}
		s.config.Keeper.Keep(KeptSlot(slot), s.sockets.Listener(slot))
		s.sockets.Keep(slot)
		s.kept[slot] = inode
	}
}

// drainSurplus hands what waits at kept sockets of slots that are not there any more to the others.
func (s *Supervisor) drainSurplus() {
	onward := s.sockets.Places()
	for slot, given := range s.config.Given {
		if slot < s.config.Workers || !given.Kept {
			continue
		}
		place := s.placesOf(slot + 1)[slot]
		if bound, err := sockets.TakeKept(place, given, s.socketOptions()); err == nil {
			bound.File.Remove()
			s.tasks.Go(func() { s.backlog().Drain(bound.Listener, place, onward) })
		}
	}
}

// hideSockets has nobody new connect, unless whoever connects is the next launcher's.
func (s *Supervisor) hideSockets() {
	if !s.keepsSockets() {
		s.noteHidden(s.sockets.Hide())
	}
}

// StopForSuccessor has a stop that follows leave the sockets to the launcher that comes in this process: Inherit hands them out.
func (s *Supervisor) StopForSuccessor() { s.post(core.SuccessorComes{}) }

// Inherited is a descriptor for the next launcher in this process, under the name that it knows it by.
type Inherited struct {
	Name string
	FD   int
}

// inherit makes copies of the sockets, before they are closed.
func (s *Supervisor) inherit() {
	if !s.core.Condition().Succeeded {
		return
	}
	for slot := range s.config.Workers {
		listener := s.sockets.Listener(slot)
		if listener == nil {
			continue
		}
		fd, err := linux.Duplicate(listener)
		if err != nil {
			s.log.Error("a socket could not be kept for the next launcher", keySlot, slot, keyError, err)
			continue
		}
		name := KeptSlot(slot)
		if s.sockets.IsGiven(slot) {
			name = GivenSlot(slot)
		}
		s.sockets.Keep(slot)
		s.inherited = append(s.inherited, Inherited{name, fd})
	}
}

// Inherit hands out the sockets once Run has returned, for the next launcher in this process. False: somebody has asked for a stop in
// time, and none follows.
func (s *Supervisor) Inherit() (inherited []Inherited, follows bool) {
	return s.inherited, s.core.Condition().Succeeded
}

// keepsSockets says whether the sockets are there when the launcher has stopped.
func (s *Supervisor) keepsSockets() bool {
	return s.core.Condition().Succeeded || keepsSockets(s.config)
}

func keepsSockets(config Config) bool { return config.Keeper != nil || bound(config) }

// bound says whether somebody else has bound the sockets of the slots.
func bound(config Config) bool {
	for _, given := range config.Given {
		if !given.Kept {
			return true
		}
	}
	return false
}
