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
