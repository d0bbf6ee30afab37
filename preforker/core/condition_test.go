package core

import (
	"testing"
)

func (s *script) inCondition(want Condition) {
	s.t.Helper()
	if got := s.core.Condition(); got != want {
		s.t.Errorf("\n got %+v\nwant %+v", got, want)
	}
}

// TestCondition follows one from the start to the end.
func TestCondition(t *testing.T) {
	s := newScript(t, 2)
	s.inCondition(Condition{Loading: true, Slots: 2})
	s.event(PreloaderHello{gen(1), Hello{Pid: 101}})
	spawns := find[SpawnWorker](s.event(PreloaderLoaded{gen(1), Load{}}))
	s.inCondition(Condition{Phase: PhaseRunning, Slots: 2})
	for i, spawn := range spawns {
		s.event(WorkerSpawned{spawn.Key, 1001 + i})
		s.event(WorkerReady{spawn.Key, 1001 + i})
	}
	s.inCondition(Condition{Phase: PhaseRunning, Generation: 1, Slots: 2, Served: 2})
	s.event(RestartAsked{By: "a test"})
	s.inCondition(Condition{Phase: PhaseRunning, Generation: 1, Slots: 2, Served: 2, Loading: true, Restarts: 1, Restarting: true})
	s.event(RestartAsked{By: "another one"})
	s.inCondition(Condition{Phase: PhaseRunning, Generation: 1, Slots: 2, Served: 2, Loading: true, Restarts: 2, Restarting: true})
	s.event(StopAsked{By: "TERM"})
	s.inCondition(Condition{Phase: PhaseStopping, Generation: 1, Slots: 2, Restarts: 2, Leaving: 2})
}

// TestConditionOfTrouble counts the slots whose workers do not come up, and not those that are to have none.
func TestConditionOfTrouble(t *testing.T) {
	s := onDemand(t, 3, 2)
	s.inCondition(Condition{Phase: PhaseRunning, Generation: 1, Slots: 3, Served: 2, Parked: 1})
	for range slotBackoff.free + 1 {
		s.event(WorkerExited{Key: s.core.slots[1].serving().key})
	}
	s.inCondition(Condition{Phase: PhaseRunning, Generation: 1, Slots: 3, Served: 1, Parked: 1, Waiting: 1})
}
