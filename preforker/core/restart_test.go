package core

import (
	"slices"
	"testing"

	"launcher/preforker/ident"
)

// endsOf are how restarts have ended so far, in their order.
func endsOf(s *script) (ends []RestartEnded) {
	for _, end := range find[RestartEnded](s.acts) {
		end.Slots = 0
		ends = append(ends, end)
	}
	return ends
}

// TestRestartEndsWhenAllSlotsAreServed, and not before.
func TestRestartEndsWhenAllSlotsAreServed(t *testing.T) {
	s := running(t, 3)
	s.event(RestartAsked{"restart"})
	next := find[SpawnWorker](s.load(2))
	for n := range 3 {
		if len(next) != 1 || len(endsOf(s)) != 0 {
			t.Fatalf("%d slots: %+v, %+v", n, next, endsOf(s))
		}
		next = find[SpawnWorker](s.ready(next[0].Key))
	}
	if ends := endsOf(s); !slices.Equal(ends, []RestartEnded{{Number: 1, Generation: 2, End: RestartServed}}) {
		t.Errorf("%+v", ends)
	}
}

// TestRestartThatComesToNothing says why.
func TestRestartThatComesToNothing(t *testing.T) {
	for name, test := range map[string]struct {
		then func(s *script)
		want []RestartEnded
	}{
		"it does not load": {func(s *script) { s.event(PreloaderExited{Origin: gen(2), Exit: ident.ExitStatus{Code: 1}}) },
			[]RestartEnded{{Number: 1, Generation: 2, End: RestartNotLoaded}}},
		"another one is asked for while it loads": {func(s *script) { s.event(RestartAsked{"restart"}); s.load(2) },
			[]RestartEnded{{Number: 1, Generation: 2, End: RestartReplaced}}},
		"another one is asked for while the first one is waited for": {func(s *script) {
			s.event(RestartAsked{"restart"})
			s.event(RestartAsked{"restart"})
		}, []RestartEnded{{Number: 1, Generation: 2, End: RestartReplaced}, {Number: 2, End: RestartReplaced}}},
		"another one is asked for while slots roll": {func(s *script) {
			s.load(2)
			s.event(RestartAsked{"restart"})
			s.event(PreloaderExited{Origin: gen(3), Exit: ident.ExitStatus{Code: 1}})
		}, []RestartEnded{{Number: 1, Generation: 2, End: RestartReplaced}, {Number: 2, Generation: 3, End: RestartNotLoaded}}},
		"the launcher stops": {func(s *script) { s.event(StopAsked{By: "TERM"}); s.event(RestartAsked{"restart"}) },
			[]RestartEnded{{Number: 1, Generation: 2, End: RestartStopped}}},
		"its workers die as they come up": {func(s *script) {
			actions := s.load(2)
			for range restartDeaths {
				spawned := find[SpawnWorker](actions)
				for len(spawned) == 0 {
					spawned = find[SpawnWorker](s.fire(TimerSlot))
				}
				s.event(WorkerSpawned{spawned[0].Key, 1000 + spawned[0].Key.Serial})
				actions = s.dies(spawned[0].Key, 0)
			}
		}, []RestartEnded{{Number: 1, Generation: 2, End: RestartNotUp, Deaths: restartDeaths}}},
		"its preloader dies, and it is loaded once more": {func(s *script) {
			s.load(2)
			s.event(PreloaderExited{Origin: gen(2), Exit: ident.ExitStatus{Signal: 9}})
			s.boot(s.load(3))
		}, []RestartEnded{{Number: 1, Generation: 3, End: RestartServed}}},
	} {
		t.Run(name, func(t *testing.T) {
			s := running(t, 2)
			s.event(RestartAsked{"restart"})
			s.event(PreloaderHello{gen(2), Hello{}})
			test.then(s)
			if ends := endsOf(s); !slices.Equal(ends, test.want) {
				t.Errorf("%+v, want %+v", ends, test.want)
			}
		})
	}
}

// TestALoadWithoutRoom begins all the same: the log says so, and the spare leaves.
func TestALoadWithoutRoom(t *testing.T) {
	for available, short := range map[uint64]bool{0: false, 110 << 20: false, 109 << 20: true} {
		s := running(t, 2)
		s.core.policy.Spare = SpareOne
		spare := find[SpawnSpare](s.event(TimerFired{Timer{Kind: TimerPace}}))
		s.event(WorkerSpawned{spare[0].Key, 99})
		s.event(WorkerReady{spare[0].Key, 99})
		s.core.budget.preloader, s.core.budget.bytes = 100<<20, 10<<20
		s.event(MemoryAvailable{available})
		actions := s.event(RestartAsked{"HUP"})
		told, drained := find[RoomIsShort](actions), find[DrainWorker](actions)
		if (len(told) == 1) != short || (len(drained) == 1) != short || len(find[StartPreloader](actions)) != 1 {
			t.Fatalf("%d: %+v", available, actions)
		}
		if short && (told[0].Need != 110<<20 || told[0].Available != available || !told[0].Spare || drained[0].Key != spare[0].Key) {
			t.Errorf("%+v, %+v", told, drained)
		}
	}
}

// TestDeathsOfAReleaseThatIsLoadedAgain are counted from the first.
func TestDeathsOfAReleaseThatIsLoadedAgain(t *testing.T) {
	s := running(t, 2)
	s.event(RestartAsked{"restart"})
	for generation := 2; generation < 4; generation++ {
		actions := s.load(generation)
		for range restartDeaths - 1 {
			spawned := find[SpawnWorker](actions)
			for len(spawned) == 0 {
				spawned = find[SpawnWorker](s.fire(TimerSlot))
			}
			s.event(WorkerSpawned{spawned[0].Key, 1000 + spawned[0].Key.Serial})
			actions = s.dies(spawned[0].Key, 0)
		}
		s.event(PreloaderExited{Origin: gen(generation), Exit: ident.ExitStatus{Signal: 9}})
		if s.core.loading() == nil {
			s.fire(TimerReload)
		}
	}
	if ends := endsOf(s); len(ends) != 0 {
		t.Errorf("%+v", ends)
	}
}

// TestALoadThatWouldServeIsNotGivenUp where nobody serves, though another restart is asked for; and its end is none of that one.
func TestALoadThatWouldServeIsNotGivenUp(t *testing.T) {
	s := running(t, 1)
	s.event(RestartAsked{"restart"})
	s.dies(s.serving(0), 0)
	actions := s.event(RestartAsked{"restart"})
	if ended := find[SignalPreloader](actions); len(ended) != 0 || len(find[RestartNoted](actions)) != 1 {
		t.Fatalf("%+v", actions)
	}
	actions = s.event(PreloaderExited{Origin: gen(2), Exit: ident.ExitStatus{Code: 1}})
	if loads := find[StartPreloader](actions); len(loads) != 1 {
		t.Fatalf("%+v", actions)
	}
	if ends := endsOf(s); !slices.Equal(ends, []RestartEnded{{Number: 1, Generation: 2, End: RestartReplaced}}) {
		t.Errorf("%+v", ends)
	}
}
