package core

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"launcher/preforker/ident"
)

// reforking is a core whose workers are all ready, and one of which gives birth to a preloader after
// so many requests.
func reforking(t *testing.T, slots int, after ...uint64) *script {
	t.Helper()
	return reforkingWith(t, slots, Renewal{}, after...)
}

func reforkingWith(t *testing.T, slots int, renewal Renewal, after ...uint64) *script {
	t.Helper()
	s := &script{t: t, core: New(slots, Policy{BootTimeout: time.Minute, MeasurePeriod: testPeriod, DrainTimeout: 30 * time.Second, LoadsAtOnce: 2,
		Renewal: renewal, Refork: Refork{After: after, Checked: true}, MemoryLimit: 4096 * mB}, func() float64 { return 0 }), kinds: map[string]int{}}
	s.event(Started{})
	s.boot(s.load(1))
	return s
}

func refork(generation, number int) ident.Origin {
	return ident.Origin{Generation: generation, Refork: number}
}

// served tells that a slot's worker has served so many requests by now, and answers who is asked to
// give birth.
func (s *script) served(slot int, requests uint64) []ReforkWorker {
	s.t.Helper()
	s.now += testPeriod
	return find[ReforkWorker](s.event(WorkersMeasured{[]Measurement{{s.serving(slot), 5 * mB, requests}}}))
}

// asked has a slot's worker be asked for a preloader, and answers its number.
func (s *script) asked(slot int, requests uint64) ident.Origin {
	s.t.Helper()
	s.now += reforkPause
	asked := s.served(slot, requests)
	if len(asked) != 1 || asked[0].Key != s.serving(slot) {
		s.t.Fatalf("asked %+v, want the worker of slot %d; log %q", asked, slot, s.facts)
	}
	return asked[0].Origin
}

// born is what worker and preloader say about a birth.
func (s *script) born(origin ident.Origin) []Action {
	s.t.Helper()
	pid := 200 + origin.Refork
	actions := s.event(WorkerReforked{origin, pid})
	return append(actions, s.event(PreloaderLoaded{origin, Load{Pid: pid}})...)
}

// canary is the only worker that is started, of the preloader that was born.
func (s *script) canary(actions []Action, origin ident.Origin) ident.Key {
	s.t.Helper()
	spawned := find[SpawnWorker](actions)
	if len(spawned) != 1 || spawned[0].Key.Origin() != origin {
		s.t.Fatalf("spawned %+v, want one worker of %v; log %q", spawned, origin, s.facts)
	}
	return spawned[0].Key
}

// tried has a first worker of a preloader come up in its slot.
func (s *script) tried(origin ident.Origin) ident.Key {
	s.t.Helper()
	key := s.canary(s.born(origin), origin)
	s.ready(key)
	s.drained()
	return key
}

// drained lets all leave that are to.
func (s *script) drained() (all []Action) {
	s.t.Helper()
	for _, slot := range s.core.slots {
		for _, w := range slices.Clone(slot.workers) {
			if w.leaving() {
				all = append(all, s.event(WorkerExited{Key: w.key, Served: 20})...)
			}
		}
	}
	return all
}

// rolled boots every successor until there is none any more, and answers all actions.
func (s *script) rolled(actions []Action) []Action {
	s.t.Helper()
	all := slices.Clone(actions)
	for spawned := find[SpawnWorker](actions); len(spawned) > 0; spawned = find[SpawnWorker](actions) {
		if len(spawned) > 1 {
			s.t.Errorf("%d slots at once", len(spawned))
		}
		actions = append(s.ready(spawned[0].Key), s.drained()...)
		all = append(all, actions...)
	}
	return all
}

// arrived is a whole refork.
func (s *script) arrived(slot int, requests uint64) ident.Origin {
	s.t.Helper()
	origin := s.asked(slot, requests)
	retired := find[RetirePreloader](s.rolled(s.event(WorkerAnsweredFirst{s.tried(origin), 200, "GET /"})))
	if len(retired) != 1 || retired[0].Last {
		s.t.Fatalf("retired %+v, want the older preloader, without its exit handlers", retired)
	}
	s.event(PreloaderExited{Origin: retired[0].Origin})
	s.all(origin)
	return origin
}

// all checks that every slot serves with a fork of one preloader, the only one that there is.
func (s *script) all(origin ident.Origin) {
	s.t.Helper()
	for slot, c := range s.core.slots {
		if w := c.serving(); w == nil || w.state != ReadyWorker || w.key.Origin() != origin || len(c.workers) != 1 {
			s.t.Errorf("slot %d: %+v, want a worker of %v", slot, w, origin)
		}
	}
	if len(s.core.preloaders) != 1 || s.core.preloaders[0].origin != origin {
		s.t.Errorf("%d preloaders, the newest %+v", len(s.core.preloaders), s.core.preloaders[len(s.core.preloaders)-1])
	}
}

// exits are the exits of the preloaders that were told to go.
func (s *script) exits() {
	s.t.Helper()
	for _, p := range slices.Clone(s.core.preloaders) {
		if p.state == RetiringPreloader {
			s.event(PreloaderExited{Origin: p.origin})
		}
	}
}

func TestReforkOneSlotFirst(t *testing.T) {
	s := reforking(t, 4, 10)
	if asked := s.served(2, 9); len(asked) != 0 {
		t.Fatalf("asked after 9 requests: %+v", asked)
	}
	origin := s.asked(2, 12)
	if origin != refork(1, 1) {
		t.Errorf("the first is %v", origin)
	}
	if asked := s.served(1, 30); len(asked) != 0 {
		t.Errorf("another is asked meanwhile: %+v", asked)
	}
	key := s.canary(s.born(origin), origin)
	if again := find[SpawnWorker](s.ready(key)); len(again) != 0 {
		t.Errorf("%+v follow before the first has answered", again)
	}
	s.drained()
	if n := s.core.count(ReadyWorker); n != 4 {
		t.Errorf("%d ready", n)
	}
	for _, e := range []Event{WorkerAnsweredFirst{ident.Key{Slot: 0, Generation: 1, Serial: 1}, 200, "GET /"}, WorkerAnsweredFirst{ident.Key{Slot: 9, Generation: 4}, 200, ""}} {
		if actions := s.event(e); len(find[SpawnWorker](actions)) != 0 {
			t.Errorf("%+v is the first request of another", e)
		}
	}
	actions := s.rolled(s.event(WorkerAnsweredFirst{key, 404, "GET /nowhere"}))
	if n := len(find[SpawnWorker](actions)); n != 3 {
		t.Errorf("%d follow", n)
	}
	if retired := find[RetirePreloader](actions); len(retired) != 1 || retired[0] != (RetirePreloader{gen(1), false}) {
		t.Errorf("retired %+v", retired)
	}
	s.exits()
	s.all(origin)
	if len(find[PreloaderReforked](s.acts)) != 1 || len(find[ReforkCompleted](s.acts)) != 1 {
		t.Errorf("%q", s.facts)
	}
	if s.kinds["core.Announce"] != 1 || s.kinds["core.GenerationLoaded"] != 1 || s.kinds["core.StartPreloader"] != 1 {
		t.Errorf("a refork is no new generation: %v", s.kinds)
	}
}

// TestReforkThresholds: the second counts the requests of a worker of the first.
func TestReforkThresholds(t *testing.T) {
	s := reforking(t, 2, 10, 60)
	first := s.arrived(0, 10)
	for slot := range 2 {
		if asked := s.served(slot, 59); len(asked) != 0 {
			t.Fatalf("%+v", asked)
		}
	}
	second := s.arrived(1, 60)
	if first != refork(1, 1) || second != refork(1, 2) {
		t.Errorf("%v, %v", first, second)
	}
	if asked := s.served(0, 100_000); len(asked) != 0 {
		t.Errorf("a third: %+v", asked)
	}
	s.event(RestartAsked{"HUP"})
	s.rolled(s.load(2))
	s.exits()
	if third := s.arrived(0, 10); third != refork(2, 1) {
		t.Errorf("in the next generation: %v", third)
	}
}

func TestReforkIsAskedOfTheWarmest(t *testing.T) {
	s := reforking(t, 3, 10)
	s.now += testPeriod
	asked := find[ReforkWorker](s.event(WorkersMeasured{[]Measurement{
		{s.serving(0), 0, 11}, {s.serving(1), 0, 25}, {s.serving(2), 0, 20}}}))
	if len(asked) != 1 || asked[0].Key != s.serving(1) {
		t.Errorf("%+v", asked)
	}
}

func TestReforkNever(t *testing.T) {
	s := reforking(t, 2)
	if asked := s.served(0, 1_000_000); len(asked) != 0 || s.kinds["core.WatchWorker"] != 0 {
		t.Errorf("%+v, %v", asked, s.kinds)
	}
}

// TestReforkWaitsForQuietSlots: while one has two workers, or none of the source, nobody is asked.
func TestReforkWaitsForQuietSlots(t *testing.T) {
	s := reforking(t, 2, 10)
	s.event(RestartAsked{"HUP"})
	if asked := s.served(0, 50); len(asked) != 0 {
		t.Errorf("while the next generation loads: %+v", asked)
	}
	actions := s.load(2)
	if asked := s.served(1, 50); len(asked) != 0 {
		t.Errorf("while it is rolled: %+v", asked)
	}
	s.rolled(actions)
	if asked := s.served(1, 50); len(asked) != 0 {
		t.Errorf("while the older preloader retires: %+v", asked)
	}
	s.exits()
	if n := s.kinds["core.ReforkWorker"]; n != 1 {
		t.Errorf("asked %d times when it is gone", n)
	}
}

// TestReforkPausesAfterAFailure: what was in the way may be gone a little later.
func TestReforkPausesAfterAFailure(t *testing.T) {
	s := reforking(t, 2, 10)
	s.event(PreloaderExited{Origin: s.asked(0, 10)})
	for range int(reforkPause/testPeriod) - 1 {
		if asked := s.served(1, 50); len(asked) != 0 {
			t.Fatalf("asked again: %+v", asked)
		}
	}
	if asked := s.served(1, 50); len(asked) != 1 {
		t.Errorf("not asked again")
	}
}

// TestReforkWaitsForAllSlots: one that still starts would be a fork of the older preloader.
func TestReforkWaitsForAllSlots(t *testing.T) {
	s := newScript(t, 2)
	s.core.policy.Refork = Refork{After: []uint64{10}}
	keys := find[SpawnWorker](s.load(1))
	s.ready(keys[0].Key)
	if asked := s.served(0, 50); len(asked) != 0 {
		t.Errorf("while a slot starts: %+v", asked)
	}
	s.ready(keys[1].Key)
	if n := s.kinds["core.ReforkWorker"]; n != 1 {
		t.Errorf("asked %d times when all are ready", n)
	}
}

func TestReforkWaitsForARenewal(t *testing.T) {
	s := reforkingWith(t, 2, twenty, 10)
	s.event(PreloaderMeasured{gen(1), 60 * mB, 10 * mB})
	s.past(1, 21)
	old := s.serving(1)
	next := s.successor(s.event(WorkersMeasured{}), 1)
	if asked := s.served(0, 9); len(asked) != 0 {
		t.Fatalf("%+v", asked)
	}
	if asked := s.served(0, 50); len(asked) != 0 {
		t.Errorf("while a worker is replaced: %+v", asked)
	}
	s.ready(next)
	s.leaves(old)
	if n := s.kinds["core.ReforkWorker"]; n != 1 {
		t.Errorf("asked %d times when it is over", n)
	}
}

// TestReforkMayOvertake: the words of the one that is born, and those of its parent, come in any order.
func TestReforkMayOvertake(t *testing.T) {
	s := reforking(t, 2, 10)
	origin := s.asked(0, 10)
	s.canary(s.event(PreloaderLoaded{origin, Load{Pid: 201}}), origin)
	if actions := s.event(WorkerReforked{origin, 201}); len(actions) != 0 {
		t.Errorf("%+v", actions)
	}
}

// TestReforkWithOneSlot: that one has moved, and can go back all the same.
func TestReforkWithOneSlot(t *testing.T) {
	s := reforking(t, 1, 10)
	key := s.tried(s.asked(0, 10))
	if n := s.kinds["core.RetirePreloader"]; n != 0 {
		t.Error("the older preloader leaves before the first request")
	}
	s.rolled(s.event(WorkerAnsweredFirst{key, 502, "GET /"}))
	s.exits()
	s.all(gen(1))
	s.arrived(0, 20)
}

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
			all = append(all, Measurement{s.serving(slot), 5 * mB, requests})
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

// TestReforkRefusedByThePreloaderThatIsBorn: it has what a request did to the worker, and cannot put it back.
func TestReforkRefusedByThePreloaderThatIsBorn(t *testing.T) {
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

// why is the reason that a failed refork was told with.
func why(failed ReforkFailed) string {
	switch {
	case failed.StartError != nil:
		return failed.StartError.Text
	case failed.Failure != nil:
		return failed.Failure.Class + ": " + failed.Failure.Message
	case failed.Reason != "":
		return string(failed.Reason)
	default:
		return failed.Exit.String()
	}
}

// TestReforkFails in each way, twice: that is the end of it, and the preloader serves on.
func TestReforkFails(t *testing.T) {
	boom := Failure{Class: "RuntimeError", Message: "boom"}
	for name, test := range map[string]struct {
		fail func(*script, ident.Origin)
		told string
	}{
		"the worker says so": {func(s *script, origin ident.Origin) {
			s.event(WorkerNotReforked{origin, Refusal{Error: &boom}})
			s.event(PreloaderExited{Origin: origin})
		}, "RuntimeError: boom"},
		"the preloader says so": {func(s *script, origin ident.Origin) {
			s.event(WorkerReforked{origin, 201})
			s.event(PreloaderChannelClosed{origin})
			s.event(PreloaderExited{Origin: origin, Exit: ident.ExitStatus{Code: 1}, Failed: &Failed{Stage: "refork", Failure: boom}})
		}, "RuntimeError: boom"},
		"it is killed": {func(s *script, origin ident.Origin) {
			s.event(WorkerReforked{origin, 201})
			s.event(PreloaderExited{Origin: origin, Exit: ident.ExitStatus{Signal: 9}})
		}, "signal SIGKILL"},
		"the worker dies": {func(s *script, origin ident.Origin) {
			s.boot(s.dies(s.serving(0), 30))
			s.event(PreloaderExited{Origin: origin})
		}, "the worker left before it had begun"},
		"nobody could be asked": {func(s *script, origin ident.Origin) {
			s.event(PreloaderExited{Origin: origin, StartError: &StartError{Text: "too many open files"}})
		}, "too many open files"},
		"it takes too long": {func(s *script, origin ident.Origin) {
			sent := find[SignalPreloader](s.fire(TimerPreloaderBoot))
			if len(sent) != 1 || sent[0].Origin != origin || sent[0].Signal != 9 {
				s.t.Errorf("%+v", sent)
			}
			s.fire(TimerPreloaderKill)
			// What comes too late changes nothing.
			s.event(WorkerReforked{origin, 201})
			s.event(PreloaderLoaded{origin, Load{Pid: 201}})
			s.event(WorkerNotReforked{origin, Refusal{Error: &boom}})
			s.event(PreloaderExited{Origin: origin, Exit: ident.ExitStatus{Signal: 9}})
		}, "boot timeout"},
	} {
		t.Run(name, func(t *testing.T) {
			s := reforking(t, 2, 10)
			for range maxReforkFailures {
				test.fail(s, s.asked(0, 40))
				s.all(gen(1))
			}
			failed := find[ReforkFailed](s.acts)
			if len(failed) != maxReforkFailures || why(failed[0]) != test.told {
				t.Errorf("%+v, want %d with %q", failed, maxReforkFailures, test.told)
			}
			s.now += reforkPause
			if asked := s.served(0, 1000); len(asked) != 0 {
				t.Errorf("asked once more: %+v", asked)
			}
			if s.kinds["core.StartPreloader"] != 1 || s.kinds["core.DrainWorker"] != 0 || slices.Contains(s.facts, "PreloaderDied") {
				t.Errorf("%v, %q", s.kinds, s.facts)
			}
			s.event(RestartAsked{"HUP"})
			s.rolled(s.load(2))
			s.exits()
			s.arrived(1, 10) // other code, another chance
		})
	}
}

// TestReforkOfAWorkerThatIsToLeave: it was replaced before it had begun, which is nobody's fault.
func TestReforkOfAWorkerThatIsToLeave(t *testing.T) {
	s := reforkingWith(t, 2, twenty, 10)
	s.event(PreloaderMeasured{gen(1), 60 * mB, 10 * mB})
	for range 3 {
		origin, old := s.asked(0, 40), s.serving(0)
		s.past(0, 21)
		s.ready(s.successor(s.event(WorkersMeasured{}), 0))
		s.leaves(old)
		s.event(PreloaderExited{Origin: origin})
		s.now += time.Minute
	}
	if slices.Contains(s.facts, "ReforkFailed") {
		t.Errorf("%q", s.facts)
	}
	// One that has begun all the same is as good as any.
	origin := s.asked(0, 40)
	s.past(0, 21)
	s.ready(s.successor(s.event(WorkersMeasured{}), 0))
	s.drained()
	s.rolled(s.event(WorkerAnsweredFirst{s.tried(origin), 200, "GET /"}))
	s.exits()
	s.all(origin)
}

// TestReforkWhoseFirstRequestFails goes back, also when the worker breaks off its answer.
func TestReforkWhoseFirstRequestFails(t *testing.T) {
	s := reforking(t, 3, 10)
	for _, status := range []int{500, 0} {
		key := s.tried(s.asked(1, 30))
		actions := s.event(WorkerAnsweredFirst{key, status, "GET /posts"})
		if retired := find[RetirePreloader](actions); len(retired) != 1 || retired[0] != (RetirePreloader{key.Origin(), false}) {
			t.Errorf("retired %+v", retired)
		}
		spawned := find[SpawnWorker](actions)
		if len(spawned) != 1 || spawned[0].Key.Origin() != gen(1) || spawned[0].Key.Slot != key.Slot {
			t.Fatalf("%+v", spawned)
		}
		s.event(WorkerAnsweredFirst{key, 500, "GET /again"}) // it is on its way out already
		s.rolled(actions)
		s.exits()
		s.all(gen(1))
	}
	givenUp := find[ReforkGivenUp](s.acts)
	if len(givenUp) != 2 || givenUp[0].Status != 500 || givenUp[0].Request != "GET /posts" {
		t.Errorf("%+v", givenUp)
	}
	s.now += reforkPause
	if asked := s.served(2, 100); len(asked) != 0 {
		t.Errorf("a third time: %+v", asked)
	}
}

// TestReforkWhoseWorkersDieYoung goes back, whether it is the first of them or a later one.
func TestReforkWhoseWorkersDieYoung(t *testing.T) {
	for _, proven := range []bool{false, true} {
		s := reforking(t, 3, 10)
		origin := s.asked(0, 10)
		key := s.canary(s.born(origin), origin)
		first := key
		if proven {
			s.ready(key)
			s.drained()
			key = s.canary(s.event(WorkerAnsweredFirst{key, 200, "GET /"}), origin)
		}
		actions := s.dies(key, 0)
		if retired := find[RetirePreloader](actions); len(retired) != 1 || retired[0].Origin != origin {
			t.Fatalf("proven %v: retired %+v", proven, retired)
		}
		if proven {
			actions = append(actions, s.dies(first, 0)...) // so does another
		}
		s.boot(actions)
		s.drained()
		s.exits()
		s.all(gen(1))
		if n := len(find[ReforkGivenUp](s.acts)); n != 1 {
			t.Errorf("proven %v: given up %d times", proven, n)
		}
	}
}

// TestReforkThatArrivedStays: a worker that dies young later is its slot's matter.
func TestReforkThatArrivedStays(t *testing.T) {
	s := reforking(t, 2, 10)
	origin := s.arrived(0, 10)
	s.boot(s.dies(s.serving(0), 0))
	s.boot(s.dies(s.serving(1), 0))
	s.event(WorkerAnsweredFirst{s.serving(0), 500, "GET /raise"})
	s.all(origin)
}

// TestReforkWithoutWayBack: the older preloader is gone meanwhile, and what there is serves.
func TestReforkWithoutWayBack(t *testing.T) {
	s := reforking(t, 2, 10)
	origin := s.asked(0, 10)
	key := s.tried(origin)
	actions := s.event(PreloaderExited{Origin: gen(1), Exit: ident.ExitStatus{Signal: 9}})
	if len(find[StartPreloader](actions)) != 0 {
		t.Errorf("loaded again, though workers can be had: %+v", actions)
	}
	s.rolled(s.event(WorkerAnsweredFirst{key, 500, "GET /raise"}))
	s.all(origin)
}

// TestReforkWhoseParentPreloaderDies before it is there: the application is loaded anew, and what is born
// meanwhile fills a gap.
func TestReforkWhoseParentPreloaderDies(t *testing.T) {
	s := reforking(t, 2, 10)
	origin := s.asked(0, 10)
	if started := find[StartPreloader](s.event(PreloaderExited{Origin: gen(1), Exit: ident.ExitStatus{Signal: 9}})); len(started) != 1 {
		t.Fatalf("%+v", started)
	}
	s.dies(s.serving(1), 5)
	gap := s.canary(s.born(origin), origin)
	if gap.Slot != 1 {
		t.Errorf("%v", gap)
	}
	s.ready(gap)
	actions := s.rolled(s.load(2))
	if retired := find[RetirePreloader](actions); len(retired) != 1 || retired[0] != (RetirePreloader{origin, true}) {
		t.Errorf("retired %+v", retired)
	}
	s.exits()
	s.all(gen(2))
}

// TestReforkThatDiesBeforeItsWorkersAreEverywhere: the slots that have moved come back.
func TestReforkThatDiesBeforeItsWorkersAreEverywhere(t *testing.T) {
	for _, proven := range []bool{false, true} {
		s := reforking(t, 3, 10)
		origin := s.asked(0, 10)
		key := s.tried(origin)
		if proven {
			s.event(WorkerAnsweredFirst{key, 200, "GET /"})
		}
		actions := s.event(PreloaderExited{Origin: origin, Exit: ident.ExitStatus{Signal: 9}})
		if n := len(find[StartPreloader](actions)); n != 0 {
			t.Errorf("proven %v: %d loads", proven, n)
		}
		s.event(WorkerAnsweredFirst{key, 200, "GET /"}) // late
		s.rolled(actions)
		s.all(gen(1))
		again := s.asked(1, 10)
		if again != refork(1, 2) {
			t.Errorf("proven %v: %v", proven, again)
		}
		s.tried(again)
		s.rolled(s.event(PreloaderExited{Origin: again, Exit: ident.ExitStatus{Signal: 9}}))
		s.now += reforkPause
		s.served(1, 1000)
		if n := s.kinds["core.ReforkWorker"]; n != maxReforkFailures {
			t.Errorf("proven %v: asked %d times", proven, n)
		}
	}
}

// TestReforkIsTheLast: when it dies as the only one, the application is loaded anew.
func TestReforkIsTheLast(t *testing.T) {
	s := reforking(t, 2, 10)
	origin := s.arrived(0, 10)
	if started := find[StartPreloader](s.event(PreloaderExited{Origin: origin, Exit: ident.ExitStatus{Signal: 9}})); len(started) != 1 || started[0].Generation != 2 {
		t.Fatalf("%+v", started)
	}
	s.rolled(s.load(2))
	s.all(gen(2))
}

// stages take a refork so far and no further.
var stages = map[string]func(*script){
	"asked":  func(s *script) { s.asked(0, 10) },
	"told":   func(s *script) { s.event(WorkerReforked{s.asked(0, 10), 201}) },
	"born":   func(s *script) { s.born(s.asked(0, 10)) },
	"tried":  func(s *script) { s.tried(s.asked(0, 10)) },
	"proven": func(s *script) { s.event(WorkerAnsweredFirst{s.tried(s.asked(0, 10)), 200, "GET /"}) },
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
	if started := find[StartPreloader](s.load(2)); len(started) != 1 || started[0].Generation != 3 {
		t.Errorf("%+v", started)
	}
}

// TestReforkLearnsItsBudgetAnew: its workers need less than those of the preloader before.
func TestReforkLearnsItsBudgetAnew(t *testing.T) {
	s := reforkingWith(t, 1, Renewal{Budget: Budget{Auto: true}}, 10)
	s.event(PreloaderMeasured{gen(1), 60 * mB, 10 * mB})
	old := s.serving(0)
	s.measured(0, 30, 9)
	s.past(0, 30)
	s.ready(s.successor(s.measured(0, 60, AimedService), 0))
	s.leaves(old)
	before := s.core.budget.bytes
	origin := s.asked(0, 10)
	s.rolled(s.event(WorkerAnsweredFirst{s.tried(origin), 200, "GET /"}))
	if measured := find[MeasurePreloader](s.acts); len(measured) != 2 || measured[1].Origin != origin {
		t.Errorf("%+v", measured)
	}
	s.event(PreloaderMeasured{origin, 70 * mB, 10 * mB})
	s.measured(0, 8, MinService)
	s.measured(0, 16, AimedService)
	if b := s.core.budget; b.learned != origin || b.bytes >= before || b.preloader != 70*mB {
		t.Errorf("%+v, before %d", b, before)
	}
}

// TestReforkStorm is TestStorm with workers that give birth. It must never contradict itself, and must end with
// every slot served by forks of one preloader.
func TestReforkStorm(t *testing.T) {
	arrived := 0
	for seed := range uint64(300) {
		s := reforkingWith(t, 4, Renewal{MaxRequests: 50}, 2, 4, 6)
		random := rand.New(rand.NewPCG(seed, 3))
		s.core.random = random.Float64
		for range 500 {
			s.now += time.Duration(random.Int64N(int64(300 * time.Millisecond)))
			s.event(s.randomReforkEvent(random))
		}
		s.calm()
		s.calmReforks()
		arrived += len(find[ReforkCompleted](s.acts))
		s.all(s.core.newestSource().origin)
		if s.kinds["core.Finish"] != 0 || t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
	if arrived < 100 {
		t.Errorf("only %d reforks arrived: the storm is too rough to tell anything", arrived)
	}
}

func (s *script) randomReforkEvent(random *rand.Rand) Event {
	if len(s.core.preloaders) == 0 {
		return s.randomEvent(random)
	}
	p := s.core.preloaders[0]
	if n := len(s.core.preloaders); n > 1 {
		p = s.core.preloaders[n-1-random.IntN(2)]
	}
	slot := s.core.slots[random.IntN(4)]
	switch random.IntN(14) {
	case 0, 1:
		if w := slot.serving(); w != nil {
			return WorkersMeasured{[]Measurement{{w.key, random.Uint64N(20) * mB, random.Uint64N(60)}}}
		}
	case 2:
		return WorkerReforked{p.origin, 300 + p.origin.Refork}
	case 3, 4:
		if p.origin.Refork > 0 {
			return PreloaderLoaded{p.origin, Load{}}
		}
	case 5:
		if random.IntN(4) == 0 && p.state == StartingPreloader && p.origin.Refork > 0 {
			return WorkerNotReforked{p.origin, Refusal{Findings: []Finding{{Kind: KindDeclared}}}}
		}
	case 6, 7:
		if w := slot.serving(); w != nil {
			return WorkerAnsweredFirst{w.key, []int{200, 200, 404, 500}[random.IntN(4)], "GET /"}
		}
	case 8:
		if p.origin.Refork > 0 && random.IntN(4) == 0 {
			return PreloaderExited{Origin: p.origin, Exit: ident.ExitStatus{Signal: 9}}
		}
	case 9:
		if len(s.core.preloaders) > 1 && s.core.preloaders[0].state == RetiringPreloader {
			return PreloaderExited{Origin: s.core.preloaders[0].origin}
		}
	default:
		if random.IntN(20) > 0 {
			for _, w := range slot.workers {
				switch w.state {
				case SpawningWorker, BootingWorker:
					return WorkerReady{w.key, 1000 + w.key.Serial}
				case DrainingWorker:
					return WorkerExited{Key: w.key, Served: 1}
				}
			}
			return nothing
		}
		return s.randomEvent(random)
	}
	return nothing
}

// calmReforks lets no time pass any more, so that nothing is loaded anew.
func (s *script) calmReforks() {
	for range 100 {
		s.settled()
		for _, p := range slices.Clone(s.core.preloaders) {
			switch {
			case p.loads():
				s.event(PreloaderHello{p.origin, Hello{}})
				s.event(PreloaderLoaded{p.origin, Load{}})
			case p.state == ReadyPreloader && !p.proven:
				for _, slot := range s.core.slots {
					s.event(WorkerAnsweredFirst{slot.serving().key, 200, "GET /"})
				}
			}
		}
	}
}
