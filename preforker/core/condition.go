package core

// Condition is how the service is in a few numbers, which cost next to nothing to have after each event.
type Condition struct {
	Phase      Phase
	Loading    bool // a generation is being loaded, or as soon as one that was given up has ended
	Failing    bool // loads have failed again and again
	Restarts   int  // that were asked for so far
	Restarting bool // the last one of them is under way
	Generation int  // the newest that has served all slots; 0: none has yet
	Slots      int
	Served     int  // of the slots: by workers of their own, or by those of others
	Parked     int  // of the slots
	Waiting    int  // of the slots: whose workers have died as they came up, or whose socket could not be bound
	Leaving    int  // workers that finish what they have
	Succeeded  bool // another launcher follows in this process when it has stopped
}

// Condition tells how the service is.
func (c *Core) Condition() Condition {
	condition := Condition{Phase: c.phase, Loading: c.loading() != nil || c.phase == PhaseRunning && c.givenUp(),
		Failing: c.crashing != nil, Restarts: c.restarts, Restarting: c.restart != nil,
		Generation: c.served, Slots: len(c.slots), Succeeded: c.succeeded}
	lent := c.lentSlots()
	for _, s := range c.slots {
		w := s.serving()
		switch {
		case w != nil && w.state == ReadyWorker, lent[s.number]:
			condition.Served++
		case s.state == ParkedSlot:
			condition.Parked++
		case s.state == WaitingSlot, s.deaths > 0:
			condition.Waiting++
		}
	}
	for _, w := range c.all() {
		if w.leaving() {
			condition.Leaving++
		}
	}
	return condition
}

// lentSlots are those whose sockets ready workers of others have.
func (c *Core) lentSlots() map[int]bool {
	lent := map[int]bool{}
	for _, s := range c.slots {
		for _, w := range s.workers {
			if w.state != ReadyWorker {
				continue
			}
			for _, slot := range w.borrowed {
				lent[slot] = true
			}
		}
	}
	return lent
}
