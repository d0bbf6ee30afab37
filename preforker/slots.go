package preforker

import (
	"fmt"
	"path/filepath"
	"slices"

	"launcher/preforker/control"
	"launcher/preforker/core"
	"launcher/preforker/hint"
	"launcher/preforker/ident"
	"launcher/preforker/linux"
	"launcher/preforker/sockets"
)

// Front is an HTTP front in this process. Its methods do not wait.
type Front interface {
	// Status is what it tells of itself.
	Status() *control.FrontStatus
	// Waiting is how many of its requests no worker has yet.
	Waiting() int
	// CheckSlots refuses a number of slots that it has no room for.
	CheckSlots(slots int) error
	// SetSlots has it give requests to so many slots.
	SetSlots(slots int)
	// Park says whether a slot has no worker until somebody connects to it.
	Park(slot int, parked bool)
	// Renew says that another worker serves a slot, whose predecessor may still have a request.
	Renew(slot int)
}

// performOnSlots carries out an action on the sockets of slots.
func (s *Supervisor) performOnSlots(a core.Action) core.Event {
	switch a := a.(type) {
	case core.OpenSlot:
		return s.openSlot(a.Slot)
	case core.RebindSlot:
		return s.rebindSlot(a.Slot)
	case core.CloseSlot:
		s.closeSlot(a.Slot)
	case core.RemoveSlot:
		s.removeSlot(a.Slot)
	case core.SetSlots:
		s.setSlots(a.Slots)
	case core.AwaitConnection:
		s.awaitConnection(a.Slot)
	}
	return nil
}

// scaleAsked asks for another number of slots: so many, or so many more where that is not 0.
type scaleAsked struct {
	by      string
	request control.ScaleRequest
	reply   chan<- scaled   // nil: the log alone is told
	gone    <-chan struct{} // closed when nobody waits for the reply any more, and was told that nothing was done
}

// scalesResumed has what has waited for a check be done, in the order in which it was asked for.
type scalesResumed struct{}

type scaled struct {
	result control.ScaleResult
	err    error
}

// ScaleBy adds slots, or removes some. One is left at least.
func (s *Supervisor) ScaleBy(change int, by string) {
	s.post(scaleAsked{by: by, request: control.ScaleRequest{Change: change}})
}

// scale changes the number of slots, once no check of the sockets is under way.
func (s *Supervisor) scale(asked scaleAsked) {
	if s.upkeep.checking || len(s.upkeep.scales) > 0 {
		s.upkeep.scales = append(s.upkeep.scales, asked)
		return
	}
	s.scaleNow(asked)
}

// scaleNow changes the number of slots, as far as there is room for that, and says what it has come to.
func (s *Supervisor) scaleNow(asked scaleAsked) {
	select {
	case <-asked.gone:
		return
	default:
	}
	from := s.config.Workers
	to := asked.request.Slots
	if asked.request.Change != 0 {
		to = from + asked.request.Change
	}
	if asked.reply == nil && to < 1 {
		to = 1
	}
	err := s.checkSlots(to)
	if err == nil && s.core.Phase() >= core.PhaseStopping {
		err = hint.Errorf("start it again with that number", "scale: the launcher stops")
	}
	if err != nil {
		s.log.Warn("the number of workers stays", keyBy, asked.by, keyWorkers, from, keyError, err, keyAdvice, hint.Of(err))
	} else {
		s.redirect(to, from)
		s.handle(core.ScaleAsked{By: asked.by, Slots: to})
		s.publishSlots()
	}
	if asked.reply != nil {
		asked.reply <- scaled{s.scaleResult(from), err}
	}
}

// redirect has the names of sockets that go lead to those that stay, before anybody could find nobody there.
func (s *Supervisor) redirect(to, from int) {
	if to >= from || s.pid.Lost() {
		return
	}
	if err := s.sockets.Redirect(to, from); err != nil {
		s.log.Warn("whoever connects to a socket that is gone finds nobody", keyError, err)
	}
}

// checkSlots refuses a number of slots that there cannot be.
func (s *Supervisor) checkSlots(slots int) error {
	if slots < 1 || slots > ident.MaxWorkers {
		return control.BadRequest("launcher scale 4", "scale: the number of workers is from 1 to %d, not %d", ident.MaxWorkers, slots)
	}
	if bound(s.config) && slots != s.config.Workers {
		return hint.Errorf("change the socket units and NUM, and restart", "scale to %d: systemd has bound the sockets of %d workers", slots, s.config.Workers)
	}
	if slots <= s.config.Workers {
		return nil
	}
	err := sockets.CheckPlaces(s.placesOf(slots))
	if err == nil {
		err = checkDescriptors(slots)
	}
	if err == nil && s.config.Front != nil {
		err = s.config.Front.CheckSlots(slots)
	}
	if err != nil {
		return hint.Errorf(hint.Of(err), "scale to %d: %w", slots, err)
	}
	return nil
}

// setSlots makes room for so many sockets.
func (s *Supervisor) setSlots(slots int) {
	places := s.placesOf(slots)
	s.sockets.Resize(places)
	s.config.Workers = slots
	if s.config.Listen != nil {
		s.config.Listen = places
	}
}

// publishSlots tells those who connect to the slots which there are.
func (s *Supervisor) publishSlots() {
	if s.config.Front != nil {
		s.config.Front.SetSlots(s.config.Workers)
		for _, slot := range s.core.View(s.now()).Slots {
			s.config.Front.Park(slot.Slot, slot.State == core.ParkedSlot)
		}
	}
	if s.config.SnippetOf == nil {
		return
	}
	text, err := s.config.SnippetOf(s.config.Workers)
	if err == nil {
		s.config.Snippet = text
		err = s.dir.WriteSnippet(s.config.SnippetName, text)
	}
	if err != nil {
		s.log.Error("the web server's configuration could not be written", keyError, err)
	}
}

// scaleResult is what there is by now.
func (s *Supervisor) scaleResult(from int) control.ScaleResult {
	result := control.ScaleResult{From: from, Slots: s.config.Workers, Front: s.config.Front != nil, Closed: []int{},
		Snippet: filepath.Join(s.config.SocketDir, s.config.SnippetName), Places: slices.Clone(s.sockets.Places())}
	for slot := range result.Places {
		if s.sockets.Listener(slot) == nil {
			result.Closed = append(result.Closed, slot)
		}
	}
	return result
}

// removeSlot takes a slot's socket away that is not among the slots any more. What waits there goes to those that serve, or else to
// those that will.
func (s *Supervisor) removeSlot(slot int) {
	onward := s.neighbours(slot)
	if len(onward) == 0 && s.config.Allow.admitsOwn(s.sockets.Place(slot)) {
		for _, other := range s.core.View(s.now()).Slots {
			if other.Open {
				onward = append(onward, s.sockets.Place(other.Slot))
			}
		}
	}
	s.noteHidden(s.sockets.HideSlot(slot))
	if listener := s.takeListener(slot); listener != nil {
		s.drainBacklog(listener, slot, onward)
	}
	s.moveHandover(slot)
}

// followConnections waits for connections at parked slots until the loop has ended.
func (s *Supervisor) followConnections() error {
	if s.config.Min == 0 {
		return nil
	}
	readiness, err := linux.NewReadiness()
	if err != nil {
		return fmt.Errorf("wait for connections: %w", err)
	}
	s.readiness = readiness
	s.tasks.Go(func() {
		if err := readiness.Wait(func(slot int) { s.post(core.ConnectionWaits{Slot: slot}) }); err != nil {
			s.log.Error("connections at parked slots are not noticed any more", keyError, err)
		}
	})
	return nil
}

// awaitConnection has the core told when a connection waits at a slot's socket.
func (s *Supervisor) awaitConnection(slot int) {
	if s.config.Front != nil {
		s.config.Front.Park(slot, true)
	}
	listener := s.sockets.Listener(slot)
	if listener == nil {
		return // it could not be bound: that event is on its way
	}
	if err := s.readiness.Ask(listener, slot); err != nil {
		s.log.Error("a slot is not parked: connections that wait there could not be noticed", keySlot, slot, keyError, err)
		s.tasks.Go(func() { s.post(core.ConnectionWaits{Slot: slot}) })
	}
}

// unpark tells the front that a slot has a worker, or is about to have one.
func (s *Supervisor) unpark(slot int) {
	if s.config.Front != nil && slot != ident.NoSlot {
		s.config.Front.Park(slot, false)
	}
}

// tellFront has requests given to a worker that has come up.
func (s *Supervisor) tellFront(fact core.Fact) {
	if serves, is := fact.(core.WorkerServes); is && s.config.Front != nil {
		s.config.Front.Renew(serves.Worker.Key.Slot)
	}
}

// leaveKept has other slots serve the connections that the worker of a slot has kept, where the slot is gone or parked. Nobody would
// notice a request on one of them; where no other slot has a worker, the parked one gets one.
func (s *Supervisor) leaveKept(slot int) {
	if s.core.Phase() >= core.PhaseStopping || s.handovers[slot] == nil {
		return
	}
	slots := s.core.View(s.now()).Slots
	parked := slot >= 0 && slot < len(slots) && slots[slot].State == core.ParkedSlot
	switch {
	case slot < len(slots) && !parked:
	case parked && len(s.readyNeighbours(slot)) == 0:
		s.tasks.Go(func() { s.post(core.ConnectionWaits{Slot: slot}) })
	default:
		s.moveHandover(slot)
	}
}
