package core

import (
	"slices"
	"testing"
	"time"

	"launcher/preforker/ident"
)

// refuses has a worker be asked, and say what is in the way; nobody must be asked again at once.
func (s *script) refuses(origin ident.Origin, finding Finding) {
	s.t.Helper()
	s.event(WorkerNotReforked{origin, Refusal{Findings: []Finding{finding}}})
	s.event(PreloaderChannelClosed{origin})
	if asked := find[ReforkWorker](s.event(PreloaderExited{Origin: origin})); len(asked) != 0 {
		s.t.Errorf("asked again at once: %+v", asked)
	}
}

// asks answers which slots are asked when all workers have served so many requests, from now on until a time.
func (s *script) asks(requests uint64, wait time.Duration) (slots []int, origin ident.Origin) {
	s.t.Helper()
	for end := s.now + wait; s.now < end; {
		s.now = min(s.now+time.Second, end)
		var all []Measurement
		for slot := range s.core.slots {
			all = append(all, Measurement{Key: s.serving(slot), Private: 5 * mB, Served: requests})
		}
		for _, asked := range find[ReforkWorker](s.event(WorkersMeasured{all})) {
			slots, origin = append(slots, asked.Key.Slot), asked.Origin
		}
	}
	return slots, origin
}

var aThread = Finding{Kind: "thread", Text: "a worker started a thread", Where: "lib/mail.rb:9"}

// TestReforkDeclined: what one worker has in it, another may not have.
func TestReforkDeclined(t *testing.T) {
	s := reforking(t, 3, 10)
	s.refuses(s.asked(1, 40), aThread)
	refused := find[ReforkRefused](s.acts)
	if len(refused) != 1 || !slices.Equal(refused[0].Findings, []Finding{aThread}) || refused[0].Slot != 1 || refused[0].Known || refused[0].Last {
		t.Errorf("%+v", refused)
	}
	s.now += refusalPause
	if asked := s.served(0, 9); len(asked) != 1 || asked[0].Key.Slot != 1 {
		t.Errorf("nobody else is warm, but asked: %+v", asked)
	}
	s.refuses(refork(1, 2), aThread)
	s.now += 4 * refusalPause
	if asked := s.served(0, 10); len(asked) != 1 || asked[0].Key.Slot != 0 {
		t.Errorf("one that was never refused comes first, but asked: %+v", asked)
	}
	if refused = find[ReforkRefused](s.acts); len(refused) != 2 || !refused[1].Known {
		t.Errorf("%+v", refused)
	}
	if slices.Contains(s.facts, "ReforkFailed") || slices.Contains(s.facts, "ReforkGivenUp") {
		t.Errorf("it is no failure: %q", s.facts)
	}
	s.rolled(s.event(WorkerAnsweredFirst{s.tried(refork(1, 3)), 200, "GET /"}))
	s.exits()
	s.all(refork(1, 3))
}

// TestReforkDeclinedByAll: later and later, each in turn, and at last no more in this generation.
func TestReforkDeclinedByAll(t *testing.T) {
	s := reforking(t, 3, 10)
	wait := refusalPause
	for attempt := range maxReforkRefusals {
		slots, origin := s.asks(10, 2*time.Second)
		if len(slots) != 1 {
			t.Fatalf("attempt %d: asked slots %v; log %q", attempt, slots, s.facts)
		}
		if want := attempt / len(s.core.slots); s.core.slots[slots[0]].serving().refusals != want {
			t.Errorf("attempt %d: slot %d was refused more often than others", attempt, slots[0])
		}
		s.refuses(origin, aThread)
		if early, _ := s.asks(10, wait-time.Second); len(early) != 0 {
			t.Errorf("attempt %d: slots %v are asked within %v", attempt, early, wait)
		}
		wait *= 4
	}
	if slots, _ := s.asks(1000, 100*wait/16); len(slots) != 0 {
		t.Errorf("asked again: %v", slots)
	}
	refused := find[ReforkRefused](s.acts)
	if len(refused) != maxReforkRefusals || slices.IndexFunc(refused, func(r ReforkRefused) bool { return r.Last }) != maxReforkRefusals-1 {
		t.Errorf("%+v", refused)
	}
	s.all(gen(1))
	s.event(RestartAsked{"HUP"})
	s.rolled(s.load(2))
	s.exits()
	s.arrived(1, 10) // other code, another chance
}

// TestReforkIsTriedAgainWithoutRequests: those that are needed have come before the pause was over.
func TestReforkIsTriedAgainWithoutRequests(t *testing.T) {
	s := reforking(t, 2, 10)
	origin := s.asked(0, 40)
	s.served(1, 10)
	s.refuses(origin, aThread)
	s.now += refusalPause
	if asked := find[ReforkWorker](s.fire(TimerRefork)); len(asked) != 1 || asked[0].Key.Slot != 1 {
		t.Fatalf("asked %+v", asked)
	}
	s.event(WorkerNotReforked{refork(1, 2), Refusal{Error: &Failure{Class: "RuntimeError"}}})
	s.event(PreloaderExited{Origin: refork(1, 2)})
	s.now += reforkPause
	if asked := find[ReforkWorker](s.fire(TimerRefork)); len(asked) != 1 {
		t.Errorf("asked %+v after a failure", asked)
	}
}

// TestReforkRefusedByThePreloaderThatWasReforked: it has what a request did to the worker, and cannot put it back.
func TestReforkRefusedByThePreloaderThatWasReforked(t *testing.T) {
	s := reforking(t, 2, 10)
	for _, pid := range []int{0, 201} { // the worker's own packet comes second, or first
		origin := s.asked(0, 10)
		if pid != 0 {
			s.event(WorkerReforked{origin, pid})
		}
		s.event(WorkerNotReforked{origin, Refusal{Findings: []Finding{{Kind: "state", Text: "a request has changed its user"}}}})
		s.event(WorkerReforked{origin, 201})
		s.event(PreloaderExited{Origin: origin, Exit: ident.ExitStatus{Code: 1}})
		s.all(gen(1))
	}
	s.arrived(1, 20)
	if slices.Contains(s.facts, "ReforkFailed") {
		t.Errorf("%q", s.facts)
	}
}

// TestReforkPassesOverTheUnfit: that one worker is unfit says nothing of the others.
func TestReforkPassesOverTheUnfit(t *testing.T) {
	s := reforking(t, 4, 10)
	for slot := range 3 {
		origin := s.asked(slot, 10)
		s.event(WorkerNotReforked{origin, Refusal{Findings: []Finding{{Kind: KindDeclared, Text: "the application says so: why"}}}})
		s.event(PreloaderExited{Origin: origin})
		if asked := s.served(slot, 1000); len(asked) != 0 {
			t.Errorf("slot %d is asked again: %+v", slot, asked)
		}
	}
	unfit := find[WorkerUnfit](s.acts)
	if len(unfit) != 3 || unfit[0].Known || unfit[0].Worker.Key.Slot != 0 || unfit[0].Finding.Text == "" || !unfit[1].Known {
		t.Errorf("%+v", unfit)
	}
	s.arrived(3, 10)
	if slices.Contains(s.facts, "ReforkFailed") {
		t.Errorf("%q", s.facts)
	}
}

// TestReforkOfAWorkerThatIsGone: it has declared itself unfit with its last words.
func TestReforkOfAWorkerThatIsGone(t *testing.T) {
	s := reforking(t, 2, 10)
	origin, key := s.asked(0, 10), s.serving(0)
	s.boot(s.dies(key, 11))
	s.event(WorkerNotReforked{origin, Refusal{Findings: []Finding{{Kind: KindDeclared}}}})
	s.event(PreloaderExited{Origin: origin})
	s.arrived(1, 10)
}
