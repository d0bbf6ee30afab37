package core

import (
	"testing"

	"launcher/preforker/ident"
)

// spawnedAfter is which workers are forked, if only after the wait of a slot where one has died early.
func (s *script) spawnedAfter(actions []Action) []SpawnWorker {
	s.t.Helper()
	spawned := find[SpawnWorker](actions)
	for len(spawned) == 0 {
		spawned = find[SpawnWorker](s.fire(TimerSlot))
	}
	return spawned
}

// failsProbe has the worker of the only spawn among actions fail its probe, and returns what follows.
func (s *script) failsProbe(actions []Action) []Action {
	s.t.Helper()
	spawned := s.spawnedAfter(actions)
	if len(spawned) != 1 || spawned[0].Probe != ProbeRelease {
		s.t.Fatalf("%+v", spawned)
	}
	s.event(WorkerSpawned{spawned[0].Key, 1000 + spawned[0].Key.Serial})
	return s.event(WorkerExited{Key: spawned[0].Key, Exit: ident.ExitStatus{Code: 1},
		Failed: &Failed{Stage: StageProbe, Failure: Failure{Message: "GET /up was answered with 500"}}})
}

// TestOnlySuccessorsWithNewerCodeAreProbed: nothing would be decided otherwise.
func TestOnlySuccessorsWithNewerCodeAreProbed(t *testing.T) {
	s := running(t, 2)
	for _, spawn := range find[SpawnWorker](s.acts) {
		if spawn.Probe != ProbeNone {
			t.Errorf("at the first start: %v", spawn.Key)
		}
	}
	if spawn := find[SpawnWorker](s.dies(s.serving(0), 1)); len(spawn) != 1 || spawn[0].Probe != ProbeNone {
		t.Errorf("in the place of one that has died: %+v", spawn)
	}
	s.ready(s.serving(0))
	s.event(RestartAsked{"HUP"})
	for actions := s.load(2); ; {
		spawned := find[SpawnWorker](actions)
		if len(spawned) == 0 {
			break
		}
		if spawned[0].Probe != ProbeRelease {
			t.Errorf("%v is not probed", spawned[0].Key)
		}
		actions = s.ready(spawned[0].Key)
	}
	if spawn := find[SpawnWorker](s.dies(s.serving(0), 1)); len(spawn) != 1 || spawn[0].Probe != ProbeNone || spawn[0].Key.Generation != 2 {
		t.Errorf("after the roll: %+v", spawn)
	}
}

// TestAReleaseWhoseProbesFailIsHeldBack, and no predecessor has drained.
func TestAReleaseWhoseProbesFailIsHeldBack(t *testing.T) {
	s := running(t, 2)
	s.event(RestartAsked{"HUP"})
	actions := s.load(2)
	for n := range trialFailures {
		actions = s.failsProbe(actions)
		died, held := find[WorkerDied](actions), find[ReleaseHeld](actions)
		if len(died) != 1 || died[0].Reason != ReasonProbeFailed || (len(held) == 1) != (n == trialFailures-1) {
			t.Fatalf("after %d: %+v, %+v", n+1, died, held)
		}
	}
	held, ends := find[ReleaseHeld](s.acts), endsOf(s)
	if h := held[0]; h.Generation != 2 || h.Probes != trialFailures || h.Probe == nil || h.Older != 1 || h.Workers != 2 {
		t.Errorf("%+v", h)
	}
	if len(ends) != 1 || ends[0].End != RestartHeld {
		t.Errorf("%+v", ends)
	}
	if drained, more := find[DrainWorker](s.acts), find[SpawnWorker](s.fire(TimerSlot)); len(drained)+len(more) != 0 {
		t.Errorf("%+v, %+v", drained, more)
	}
	if view := s.core.View(s.now).Generations; view[1].Held == nil || view[1].Held.Probes != trialFailures {
		t.Errorf("%+v", view)
	}
	s.event(RestartAsked{"HUP"}) // when it is mended
	s.boot(s.load(3))
	if ends := endsOf(s); len(ends) != 2 || ends[1].End != RestartServed {
		t.Errorf("%+v", ends)
	}
}

// TestOneProbeThatFails is no reason to hold a release back: its next worker is tried.
func TestOneProbeThatFails(t *testing.T) {
	s := running(t, 3)
	s.event(RestartAsked{"HUP"})
	actions := s.load(2)
	for range 3 * trialFailures {
		actions = s.failsProbe(actions)
		spawned := s.spawnedAfter(actions)
		actions = s.ready(spawned[0].Key)
		if len(find[SpawnWorker](actions)) == 0 {
			break
		}
	}
	if held := find[ReleaseHeld](s.acts); len(held) != 0 {
		t.Errorf("%+v", held)
	}
	s.boot(actions)
	if ends := endsOf(s); len(ends) != 1 || ends[0].End != RestartServed {
		t.Errorf("%+v", ends)
	}
}

// TestAProbeThatHangsCounts, where even the worker could not say so.
func TestAProbeThatHangsCounts(t *testing.T) {
	s := running(t, 1)
	s.event(RestartAsked{"HUP"})
	actions := s.load(2)
	for range trialFailures {
		spawned := s.spawnedAfter(actions)
		s.event(WorkerSpawned{spawned[0].Key, 1000 + spawned[0].Key.Serial})
		s.fire(TimerWorkerBoot)
		actions = s.dies(spawned[0].Key, 0)
	}
	if held := find[ReleaseHeld](actions); len(held) != 1 || held[0].Probes != trialFailures || held[0].Probe != nil {
		t.Errorf("%+v", held)
	}
}

// TestABootThatFailsIsNoProbe, also where it has taken so long that its worker was to be killed: the log would tell of it as of a probe.
func TestABootThatFailsIsNoProbe(t *testing.T) {
	s := running(t, 1)
	s.event(RestartAsked{"HUP"})
	actions := s.load(2)
	for range trialFailures {
		spawned := s.spawnedAfter(actions)
		s.event(WorkerSpawned{spawned[0].Key, 1000 + spawned[0].Key.Serial})
		s.fire(TimerWorkerBoot)
		actions = s.event(WorkerExited{Key: spawned[0].Key, Exit: ident.ExitStatus{Code: 1},
			Failed: &Failed{Stage: "after_fork", Failure: Failure{Message: "boom"}}})
	}
	if held := find[ReleaseHeld](s.acts); len(held) != 0 {
		t.Errorf("%+v", held)
	}
}
