package core

import (
	"fmt"
	"slices"
	"testing"

	"launcher/preforker/ident"
)

// stages take a refork so far and no further.
var stages = map[string]func(*script){
	"asked":    func(s *script) { s.asked(0, 10) },
	"told":     func(s *script) { s.event(WorkerReforked{s.asked(0, 10), 201}) },
	"reforked": func(s *script) { s.reforked(s.asked(0, 10)) },
	"tried":    func(s *script) { s.tried(s.asked(0, 10)) },
	"proven":   func(s *script) { s.event(WorkerAnsweredFirst{s.tried(s.asked(0, 10)), 200, "GET /"}) },
	"given up": func(s *script) {
		s.event(WorkerAnsweredFirst{s.tried(s.asked(0, 10)), 500, "GET /"})
	},
	"declined": func(s *script) {
		s.event(WorkerNotReforked{s.asked(0, 10), Refusal{Findings: []Finding{{Kind: "thread"}}}})
	},
	"timed out": func(s *script) { s.asked(0, 10); s.fire(TimerPreloaderBoot) },
	"arrived":   func(s *script) { s.arrived(0, 10) },
}

// handlers counts the preloaders of a generation that were told to run exit handlers.
func (s *script) handlers(generation int) (n int) {
	for _, retired := range find[RetirePreloader](s.acts) {
		if retired.Origin.Generation == generation && retired.Last {
			n++
		}
	}
	return n
}

// caught are the preloaders that were sent a signal on which Ruby runs exit handlers.
func (s *script) caught() (found []SignalPreloader) {
	for _, sent := range find[SignalPreloader](s.acts) {
		if sent.Signal != 9 && sent.Origin.Refork > 0 {
			found = append(found, sent)
		}
	}
	return found
}

func TestRestartInEveryStageOfARefork(t *testing.T) {
	for name, reach := range stages {
		t.Run(name, func(t *testing.T) {
			s := reforking(t, 3, 10)
			reach(s)
			s.event(RestartAsked{"HUP"})
			if n := s.kinds["core.StartPreloader"]; n != 2 {
				t.Fatalf("%d loads", n)
			}
			s.load(2)
			s.settled()
			s.all(gen(2))
			if n := s.handlers(1); n != 1 || s.handlers(2) != 0 || len(s.caught()) != 0 {
				t.Errorf("exit handlers ran %d times in generation 1, %d in 2, and by %+v", n, s.handlers(2), s.caught())
			}
			s.arrived(2, 10)
		})
	}
}

// settled answers what is outstanding, but lets no time pass.
func (s *script) settled() {
	s.t.Helper()
	for range 20 {
		for _, slot := range s.core.slots {
			for _, w := range slices.Clone(slot.workers) {
				switch w.state {
				case SpawningWorker, BootingWorker:
					s.ready(w.key)
				case DrainingWorker, KillingWorker:
					s.event(WorkerExited{Key: w.key, Served: 1})
				}
			}
		}
		s.exits()
	}
}

func TestStopInEveryStageOfARefork(t *testing.T) {
	for name, reach := range stages {
		for _, now := range []bool{false, true} {
			t.Run(fmt.Sprint(name, " ", now), func(t *testing.T) {
				s := reforking(t, 3, 10)
				reach(s)
				s.event(StopAsked{"TERM", now})
				for _, p := range s.core.preloaders {
					if p.state != RetiringPreloader {
						t.Errorf("preloader %v is %v", p.origin, p.state)
					}
				}
				s.event(WorkerReforked{refork(1, 1), 201}) // late words
				s.event(PreloaderLoaded{refork(1, 1), Load{}})
				s.settled()
				if n := s.handlers(1); n != 1 || len(s.caught()) != 0 {
					t.Errorf("exit handlers ran %d times, and by %+v", n, s.caught())
				}
				if done := find[Finish](s.acts); len(done) != 1 || done[0].Failure != nil {
					t.Errorf("finished: %+v; left %+v", done, s.core.preloaders)
				}
			})
		}
	}
}

// TestRestartsAskedTwiceDuringARefork: that a refork fails is no reason to load two generations at once.
func TestRestartsAskedTwiceDuringARefork(t *testing.T) {
	s := reforking(t, 2, 10)
	origin := s.asked(0, 10)
	s.event(RestartAsked{"HUP"})
	s.event(RestartAsked{"HUP"})
	s.event(WorkerReforked{origin, 201})
	if started := find[StartPreloader](s.event(PreloaderExited{Origin: origin, Exit: ident.ExitStatus{Signal: 9}})); len(started) != 0 {
		t.Errorf("%+v", started)
	}
	if started := find[StartPreloader](s.event(PreloaderExited{Origin: gen(2), Exit: ident.ExitStatus{Signal: 15}})); len(started) != 1 || started[0].Generation != 3 {
		t.Errorf("%+v", started)
	}
}
