package preforker

import (
	"fmt"
	"os"

	"launcher/preforker/core"
	"launcher/preforker/linux"
)

// descriptorsPerSlot is what a worker gets to serve a slot: a listener, and both ends of the slot's handover
// (scripts/worker/slot_sockets.rb).
const descriptorsPerSlot = 3

// slotsPerPacket are so many slots as one message can lend.
const slotsPerPacket = linux.MaxDescriptors / descriptorsPerSlot

// handovers are the queues of the kept connections of slots, whose workers hand them on. Each is made when its slot is
// first to be served, and there until the supervisor ends.
type handovers map[int]*linux.Handover

func (h handovers) of(slot int) (*linux.Handover, error) {
	if h[slot] == nil {
		made, err := linux.NewHandover(fmt.Sprintf("handover of slot %d", slot))
		if err != nil {
			return nil, fmt.Errorf("make handover of slot %d: %w", slot, err)
		}
		h[slot] = made
	}
	return h[slot], nil
}

func (h handovers) close() {
	for slot, handover := range h {
		handover.Close()
		delete(h, slot)
	}
}

// slotFiles are what a worker serves a slot with: none where its socket is not bound. They stay the supervisor's own.
func (s *Supervisor) slotFiles(slot int) ([]*os.File, error) {
	listener := s.sockets.Listener(slot)
	if listener == nil {
		return nil, nil
	}
	handover, err := s.handovers.of(slot)
	if err != nil {
		return nil, err
	}
	return append([]*os.File{listener}, handover.Files()...), nil
}

// moveHandover gives the connections that wait for the next worker of a slot, which is not to come soon, to another slot's. Where
// there is no other they wait on.
func (s *Supervisor) moveHandover(slot int) {
	from := s.handovers[slot]
	if from == nil {
		return
	}
	to := s.otherHandover(slot)
	if to == nil {
		return
	}
	if lost := from.MoveTo(to); lost > 0 {
		s.log.Warn("kept connections were closed: another slot has too many already", keySlot, slot, keyLost, lost)
	}
}

// otherHandover is the one of a slot that has a ready worker; where there is none, and the slot is gone, of one that is to have one.
func (s *Supervisor) otherHandover(slot int) *linux.Handover {
	others, slots := s.readyNeighbours(slot), s.core.View(s.now()).Slots
	if slot >= len(slots) {
		for _, other := range slots {
			if other.Open && other.State != core.ParkedSlot {
				others = append(others, other.Slot)
			}
		}
	}
	for _, other := range others {
		if to := s.handovers[other]; to != nil {
			return to
		}
	}
	return nil
}
