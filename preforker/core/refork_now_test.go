package core

import (
	"testing"

	"launcher/preforker/ident"
)

// reforkNow asks for one, and returns the reply.
func (s *script) reforkNow() (began []ReforkNowBegan, why NoRefork) {
	s.t.Helper()
	actions := s.event(ReforkNowAsked{By: "refork"})
	began = find[ReforkNowBegan](actions)
	if refused := find[ReforkNowRefused](actions); len(refused) == 1 && len(began) == 0 && len(actions) == 1 {
		why = refused[0].Why
	} else if len(began) != 1 || len(find[ReforkWorker](actions)) != 1 {
		s.t.Fatalf("%+v", actions)
	}
	return began, why
}

// TestReforkNow does not wait for as many requests as are usual, and ends when all slots have forks.
func TestReforkNow(t *testing.T) {
	s := reforking(t, 2, 50)
	if _, why := s.reforkNow(); why != NoReforkNoneWarm {
		t.Errorf("%q", why)
	}
	if asked := s.served(1, 3); len(asked) != 0 {
		t.Fatalf("%+v", asked)
	}
	began, _ := s.reforkNow()
	if len(began) != 1 || began[0].Origin != refork(1, 1) || began[0].Worker.Key != s.serving(1) || began[0].Served != 3 || began[0].Slots != 2 {
		t.Fatalf("%+v", began)
	}
	if _, why := s.reforkNow(); why != NoReforkUnderWay {
		t.Errorf("%q", why)
	}
	first := s.tried(refork(1, 1))
	if len(find[ReforkNowEnded](s.acts)) != 0 {
		t.Error("it has ended before all slots have forks")
	}
	s.boot(s.event(WorkerAnsweredFirst{Key: first, Status: 200}))
	s.drained()
	for range 4 {
		s.boot(s.fire(TimerPace))
		s.drained()
	}
	if ended := find[ReforkNowEnded](s.acts); len(ended) != 1 || ended[0].End != ReforkDone || ended[0].Origin != refork(1, 1) {
		t.Errorf("%+v", ended)
	}
}

// TestReforkNowThatIsRefused by the worker ends at once, and neither that nor a pause keeps from another try.
func TestReforkNowThatIsRefused(t *testing.T) {
	s := reforking(t, 1, 50)
	s.served(0, 3)
	for number := 1; number <= maxReforkRefusals+1; number++ {
		if began, why := s.reforkNow(); len(began) != 1 {
			t.Fatalf("%d: %q", number, why)
		}
		s.event(WorkerNotReforked{Origin: refork(1, number), Why: Refusal{Findings: []Finding{{Kind: "thread", Text: "a thread"}}}})
		s.event(PreloaderExited{Origin: refork(1, number), Exit: ident.ExitStatus{}})
		if ended := find[ReforkNowEnded](s.acts); len(ended) != number || ended[number-1].End != ReforkNotForked {
			t.Fatalf("%+v", ended)
		}
	}
}

// TestReforkNowThatIsGivenUp: its first response was bad.
func TestReforkNowThatIsGivenUp(t *testing.T) {
	s := reforking(t, 2, 50)
	s.served(0, 3)
	s.reforkNow()
	first := s.tried(refork(1, 1))
	if ended := find[ReforkNowEnded](s.event(WorkerAnsweredFirst{Key: first, Status: 500})); len(ended) != 1 || ended[0].End != ReforkGivenBack {
		t.Errorf("%+v", ended)
	}
}

// TestReforkNowRefused says why none can be.
func TestReforkNowRefused(t *testing.T) {
	loading := reforking(t, 1, 50)
	loading.event(RestartAsked{By: "HUP"})
	stopping := reforking(t, 1, 50)
	stopping.event(StopAsked{By: "TERM"})
	gone := reforking(t, 1, 50)
	gone.event(PreloaderExited{Origin: gen(1), Exit: ident.ExitStatus{Signal: 9}})
	rolling := reforking(t, 2, 50)
	rolling.served(0, 3)
	rolling.event(WorkerExited{Key: rolling.serving(1), Served: 1})
	direct := newScript(t, 1)
	policy := direct.core.policy
	policy.Method, policy.LoadsAtOnce = SpawnDirect, 1
	direct.core = New(1, policy, func() float64 { return 0 })
	direct.event(Started{})
	declared := reforking(t, 1, 50)
	declared.served(0, 3)
	declared.reforkNow()
	declared.event(WorkerNotReforked{Origin: refork(1, 1), Why: Refusal{Findings: []Finding{{Kind: KindDeclared, Text: "unfit"}}}})
	declared.event(PreloaderExited{Origin: refork(1, 1)})
	for want, s := range map[NoRefork]*script{NoReforkOff: running(t, 1), NoReforkLoads: loading, NoReforkStops: stopping, NoReforkDirect: direct, NoReforkDeclared: declared} {
		if _, why := s.reforkNow(); why != want {
			t.Errorf("%q, want %q", why, want)
		}
	}
	if _, why := gone.reforkNow(); why != NoReforkLoads && why != NoReforkSource {
		t.Errorf("%q", why)
	}
	if ended := find[ReforkNowEnded](func() []Action {
		s := reforking(t, 1, 50)
		s.served(0, 3)
		s.reforkNow()
		return s.event(StopAsked{By: "TERM"})
	}()); len(ended) != 1 || ended[0].End != ReforkStopped {
		t.Errorf("%+v", ended)
	}
}

// provesItself has the first fork of a refork that was asked for pass its probe, and returns it.
func (s *script) provesItself() ident.Key {
	s.t.Helper()
	s.served(1, 3)
	s.reforkNow()
	spawned := find[SpawnWorker](s.reforked(refork(1, 1)))
	if len(spawned) != 1 || spawned[0].Probe != ProbeRefork || spawned[0].Key.Origin() != refork(1, 1) {
		s.t.Fatalf("%+v", spawned)
	}
	s.ready(spawned[0].Key)
	s.drained()
	return spawned[0].Key
}

// TestReforkNowOfAnIdleSite: where no visitor comes the probe of the first fork is enough, and nobody else is probed.
func TestReforkNowOfAnIdleSite(t *testing.T) {
	s := reforking(t, 3, 50)
	first := s.provesItself()
	if n := s.core.count(SpawningWorker); n != 0 {
		t.Errorf("%d follow before visitors had time", n)
	}
	all := s.rolled(s.fire(TimerProof))
	for range 4 {
		all = append(all, s.rolled(s.fire(TimerPace))...)
	}
	for _, spawn := range find[SpawnWorker](all) {
		if spawn.Probe != ProbeNone || spawn.Key.Slot == first.Slot {
			t.Errorf("%+v", spawn)
		}
	}
	if ended := find[ReforkNowEnded](s.acts); len(ended) != 1 || ended[0].End != ReforkDone {
		t.Errorf("%+v", ended)
	}
	if late := s.event(WorkerAnsweredFirst{Key: first, Status: 500}); len(find[ReforkGivenUp](late)) != 0 {
		t.Errorf("%+v", late)
	}
}

// TestAVisitorsRequestDecidesAboutAReforkNow where one comes in time.
func TestAVisitorsRequestDecidesAboutAReforkNow(t *testing.T) {
	s := reforking(t, 2, 50)
	first := s.provesItself()
	s.event(WorkersMeasured{[]Measurement{{Key: first, Busy: true}}})
	if again := find[SetTimer](s.fire(TimerProof)); len(again) != 1 || again[0].Timer != (Timer{TimerProof, first}) {
		t.Errorf("%+v, and its request is in hand", again)
	}
	if given := find[ReforkGivenUp](s.event(WorkerAnsweredFirst{Key: first, Status: 500, Request: "GET /"})); len(given) != 1 || given[0].Status != 500 {
		t.Errorf("%+v", given)
	}
	if spawned := find[SpawnWorker](s.fire(TimerProof)); len(spawned) != 0 {
		t.Errorf("it was given up, and %+v", spawned)
	}
}

// TestAReforkNowWhoseProbeFailsIsGivenUp, and the worker before has not drained; no release is held back for it.
func TestAReforkNowWhoseProbeFailsIsGivenUp(t *testing.T) {
	s := reforking(t, 2, 50)
	for number := 1; number <= trialFailures; number++ {
		s.served(1, 3)
		s.reforkNow()
		spawned := find[SpawnWorker](s.reforked(refork(1, number)))
		if len(spawned) != 1 || spawned[0].Probe != ProbeRefork {
			t.Fatalf("%+v", spawned)
		}
		actions := s.event(WorkerExited{Key: spawned[0].Key, Exit: ident.ExitStatus{Code: 1},
			Failed: &Failed{Stage: StageProbe, Failure: Failure{Message: "GET / was answered with 500"}}})
		died, given, ended := find[WorkerDied](actions), find[ReforkGivenUp](actions), find[ReforkNowEnded](actions)
		if len(died) != 1 || died[0].Reason != ReasonProbeFailed || len(given) != 1 || len(ended) != 1 || ended[0].End != ReforkGivenBack {
			t.Errorf("%+v, %+v, %+v", died, given, ended)
		}
		s.exits()
	}
	if n := s.core.count(ReadyWorker); n != 2 || s.kinds["core.DrainWorker"] != 0 || s.kinds["core.ReleaseHeld"] != 0 {
		t.Errorf("%d ready, %v", n, s.kinds)
	}
}

// TestAutomaticReforksWaitForVisitors: nobody waits for them.
func TestAutomaticReforksWaitForVisitors(t *testing.T) {
	s := reforking(t, 2, 50)
	if spawned := find[SpawnWorker](s.reforked(s.asked(0, 50))); len(spawned) != 1 || spawned[0].Probe != ProbeNone {
		t.Errorf("%+v", spawned)
	}
}
