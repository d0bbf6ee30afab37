package core

import (
	"testing"

	"launcher/preforker/ident"
)

// grown has two seeds and three forks of the first one, with so many megabytes each after eight requests.
func grown(t *testing.T, each uint64) (s *script, origin ident.Origin) {
	t.Helper()
	s = seeded(t, 5)
	s.core.policy.Refork.Worthwhile = true
	origin = s.asked(0, 10)
	first := s.firstWorker(s.reforked(origin), origin)
	s.ready(first)
	s.boot(s.event(WorkerAnsweredFirst{first, 200, "GET /"}))
	s.exits()
	for slot := 2; slot < 5; slot++ {
		s.has(slot, each, MinService)
	}
	return s, origin
}

func (s *script) has(slot int, private, served uint64) []Action {
	s.t.Helper()
	s.now += testPeriod
	return s.event(WorkersMeasured{[]Measurement{{Key: s.serving(slot), Private: private * mB, Served: served}}})
}

// TestSeedWithFarMoreMemoryIsReplaced, but not the one that the others were forked from.
func TestSeedWithFarMoreMemoryIsReplaced(t *testing.T) {
	s, origin := grown(t, 8)
	s.has(0, 22, 20)
	actions := s.has(1, 22, 20)
	if next := s.firstWorker(actions, origin); next.Slot != 1 {
		t.Errorf("%v", next)
	}
}

func TestSeedWithALittleMoreMemoryStays(t *testing.T) {
	s, _ := grown(t, 8)
	if spawned := find[SpawnWorker](s.has(1, 15, 20)); len(spawned) != 0 {
		t.Errorf("%+v", spawned)
	}
}

// TestLaterReforkThatDoesNotPay is put off until it does.
func TestLaterReforkThatDoesNotPay(t *testing.T) {
	s, _ := grown(t, 8)
	if asked := find[ReforkWorker](s.has(2, 9, 60)); len(asked) != 0 {
		t.Errorf("asked %+v", asked)
	}
	s.has(2, 9, 70)
	if n := s.kinds["core.ReforkPutOff"]; n != 1 {
		t.Errorf("told %d times", n)
	}
	// Of two forks and the other seed one has a megabyte more than eight; the one that it was forked from does not count.
	want := ReforkView{Gain: mB / 4, From: 4 * mB}
	if view := s.core.View(s.now).Generations[0].Refork; view == nil || *view != want {
		t.Errorf("%+v, want %+v", view, want)
	}
	if asked := find[ReforkWorker](s.has(3, 16, 50)); len(asked) != 0 {
		t.Errorf("asked %+v", asked)
	}
	if asked := find[ReforkWorker](s.has(4, 16, 50)); len(asked) != 1 {
		t.Errorf("asked %+v", asked)
	}
}

// TestReforksGoOnWhereTheyPay: the workers of a generation that lives long write to what they share, again and again.
func TestReforksGoOnWhereTheyPay(t *testing.T) {
	s := reforking(t, 3, 10)
	s.core.policy.Refork.Worthwhile = true
	s.arrived(0, 10)
	for range 3 {
		for slot := range 3 {
			s.has(slot, 5, MinService)
		}
		s.now += reforkPause
		asked := find[ReforkWorker](append(s.has(1, 14, 20), s.has(2, 14, 20)...))
		if len(asked) != 1 {
			t.Fatalf("asked %+v", asked)
		}
		s.rolled(s.event(WorkerAnsweredFirst{s.tried(asked[0].Origin), 200, "GET /"}))
		s.exits()
		s.all(asked[0].Origin)
	}
}
