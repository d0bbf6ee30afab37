package core

import (
	"testing"
)

func TestTransitionTables(t *testing.T) {
	w := ExitedWorker
	if err := transition(workerTransitions, &w, ReadyWorker); err == nil || w != ExitedWorker {
		t.Errorf("the dead rise: %v, %v", w, err)
	}
	s := newScript(t, 1)
	s.core.slots[0].state = WaitingSlot
	s.core.out = nil
	s.core.moveSlot(s.core.slots[0], OccupiedSlot)
	if l := find[Contradiction](s.core.out); len(l) != 1 {
		t.Errorf("an illegal transition was silent: %+v", l)
	}
}

type unknownEvent struct{}

func (unknownEvent) isEvent() {}

func TestContradictionsAreTold(t *testing.T) {
	for name, wrong := range map[string]func(c *Core){
		"worker":    func(c *Core) { c.moveWorker(&worker{state: ExitedWorker}, ReadyWorker) },
		"preloader": func(c *Core) { c.movePreloader(&preloader{state: ExitedPreloader}, ReadyPreloader) },
		"event":     func(c *Core) { c.Step(0, unknownEvent{}) },
		"timer":     func(c *Core) { c.Step(0, TimerFired{Timer{Kind: "unheard of"}}) },
	} {
		c := New(1, Policy{}, func() float64 { return 0 })
		wrong(c)
		if l := find[Contradiction](c.out); len(l) != 1 || l[0].Error == "" {
			t.Errorf("%s: %+v", name, l)
		}
	}
}

// TestStatesHaveNames: a number in the log would help nobody.
func TestStatesHaveNames(t *testing.T) {
	for s := StartingPreloader; s <= ExitedPreloader; s++ {
		if s.String() == "" {
			t.Errorf("preloader state %d", int(s))
		}
	}
	for s := SpawningWorker; s <= ExitedWorker; s++ {
		if s.String() == "" {
			t.Errorf("worker state %d", int(s))
		}
	}
	for s := VacantSlot; s <= WaitingSlot; s++ {
		if s.String() == "" {
			t.Errorf("slot state %d", int(s))
		}
	}
}

// TestRestarts: the end of a worker is a restart of its slot's where another one takes its place.
func TestRestarts(t *testing.T) {
	for reason, want := range map[Reason]bool{ReasonCrashed: true, ReasonOutOfMemory: true, ReasonRolled: true, ReasonReforked: true, ReasonManyRequests: true,
		ReasonLost: true, ReasonLeft: true, ReasonHeld: true, ReasonUnbound: true, ReasonRequestTimeout: true,
		ReasonStopping: false, ReasonRemoved: false, ReasonUnneeded: false, ReasonIdle: false, ReasonOldSpare: false, ReasonNoRoom: false} {
		if reason.Restarts() != want {
			t.Errorf("%s: %v", reason, !want)
		}
	}
}
