package core

import (
	"slices"
	"testing"
	"time"

	"launcher/preforker/ident"
)

// TestAReleaseThatAnswersErrorsIsHeldBack: the slots that the older one serves stay with it, also the one that the next worker
// was on its way to.
func TestAReleaseThatAnswersErrorsIsHeldBack(t *testing.T) {
	s := running(t, 4)
	first := s.release()
	next := s.coming()
	if held := find[ReleaseHeld](s.answers(first, 2, 2)); len(held) != 0 {
		t.Fatalf("after two requests: %+v", held)
	}
	if held := find[ReleaseHeld](s.answers(first, 3, 3)); len(held) != 1 || held[0] != (ReleaseHeld{Generation: 2, Errors: 3, Older: 1, Workers: 3}) {
		t.Fatalf("%+v", s.newest)
	}
	if drained := find[DrainWorker](s.ready(next)); len(drained) != 1 || drained[0].Key != next {
		t.Errorf("the next one takes its slot: drained %+v", drained)
	}
	s.settle()
	s.answers(first, 50, 50)
	s.serve(2, 1, 1, 1)
	if v := s.view().Generations[1].Held; v == nil || *v != (HeldView{At: v.At, Errors: 50}) || v.At == 0 {
		t.Errorf("the status has %+v", v)
	}
	if v := s.view().Generations[0].Held; v != nil {
		t.Errorf("the status has %+v of the older one", v)
	}
	s.heldAndLifted(1, 0)
}

// TestTheFirstOtherAnswerLiftsIt, and the roll goes on to its end.
func TestTheFirstOtherAnswerLiftsIt(t *testing.T) {
	s := running(t, 3)
	first := s.release()
	s.answers(first, 3, 3)
	s.settle()
	s.answers(first, 5, 0)
	s.settle()
	s.serve(2, 2, 2)
	s.heldAndLifted(1, 1)
	if v := s.view().Generations[0].Held; v != nil || s.kinds["core.Announce"] != 2 {
		t.Errorf("held %+v; %v", v, s.kinds)
	}
}

// TestOneOtherAnswerIsEnough: whatever follows is no sign for the release.
func TestOneOtherAnswerIsEnough(t *testing.T) {
	s := running(t, 3)
	first := s.release()
	s.answers(first, 4, 3)
	s.settle()
	s.answers(first, 50, 49)
	s.serve(2, 2, 2)
	s.heldAndLifted(0, 0)
}

// TestNobodyAsks: then a roll waits for nobody.
func TestNobodyAsks(t *testing.T) {
	s := running(t, 3)
	s.release()
	s.settle()
	s.serve(2, 2, 2)
}

// TestAllWorkersOfAReleaseButOneGiveTheirSlotsBack, also where the next one is on its way when that is lifted.
func TestAllWorkersOfAReleaseButOneGiveTheirSlotsBack(t *testing.T) {
	s := running(t, 4)
	first := s.release()
	second := s.coming()
	s.ready(second)
	s.answers(second, 2, 2)
	s.answers(first, 1, 1)
	s.settle()
	s.serve(2, 1, 1, 1)
	if left := find[WorkerLeft](s.acts); !slices.ContainsFunc(left, func(l WorkerLeft) bool { return l.Worker.Key == second && l.Reason == ReasonHeld }) {
		t.Errorf("left %+v", left)
	}

	s = running(t, 4)
	first = s.release()
	second = s.coming()
	s.ready(second)
	s.answers(second, 3, 3)
	s.event(WorkerExited{Key: ident.Key{Slot: 1, Generation: 1, Serial: 2}})
	older := s.coming()
	if older.Generation != 1 || older.Slot != 1 {
		t.Fatalf("%v comes up", older)
	}
	s.answers(first, 1, 0)
	if drained := find[DrainWorker](s.ready(older)); len(drained) != 1 || drained[0].Key != older {
		t.Errorf("%+v", drained)
	}
	s.settle()
	s.serve(2, 2, 2, 2)
}

// TestADatabaseIsDown: the older release answers errors as well, so the newer one may have the slots.
func TestADatabaseIsDown(t *testing.T) {
	s := running(t, 3)
	first := s.release()
	s.answers(ident.Key{Slot: 2, Generation: 1, Serial: 3}, 6, 1)
	s.answers(first, 3, 3)
	s.settle()
	s.serve(2, 2, 2)
	s.heldAndLifted(0, 0)
}

// TestADatabaseWasDown for a moment, in which the older workers were not all asked: what those answer that were asked since counts.
func TestADatabaseWasDown(t *testing.T) {
	s := running(t, 4)
	first := s.release()
	s.answers(ident.Key{Slot: 2, Generation: 1, Serial: 3}, 6, 1)
	s.answers(ident.Key{Slot: 3, Generation: 1, Serial: 4}, 6, 0)
	s.answers(first, 3, 3)
	s.settle()
	s.serve(2, 1, 1, 1)
	s.answers(ident.Key{Slot: 3, Generation: 1, Serial: 4}, 9, 3) // later it is no reason to let the release go on
	s.settle()
	s.serve(2, 1, 1, 1)
	s.heldAndLifted(1, 0)
}

// TestAReleaseThatDiesInItsFirstRequestsIsHeldBack, and has no slot then.
func TestAReleaseThatDiesInItsFirstRequestsIsHeldBack(t *testing.T) {
	s := running(t, 3)
	s.diesInRequest(s.release(), 1)
	for range 20 {
		if s.kinds["core.ReleaseHeld"] == 1 {
			break
		}
		s.settleOrFire()
		if w := s.core.slots[0].serving(); w != nil && w.state == ReadyWorker && w.key.Generation == 2 {
			s.diesInRequest(w.key, 0)
		}
	}
	s.settleOrFire()
	s.settle()
	s.serve(1, 1, 1)
	s.heldAndLifted(1, 0)
	if held := find[ReleaseHeld](s.acts); held[0].Deaths+held[0].Errors != 3 {
		t.Errorf("%+v", held)
	}
}

// settleOrFire has the first slot get its next worker.
func (s *script) settleOrFire() {
	s.t.Helper()
	if s.core.slots[0].state == WaitingSlot {
		s.fire(TimerSlot)
	}
	if w := s.core.slots[0].serving(); w != nil && w.state == SpawningWorker {
		s.ready(w.key)
	}
}

// TestRequestsThatKill also the workers of the older release say nothing of the newer one.
func TestRequestsThatKill(t *testing.T) {
	s := running(t, 2)
	s.answerWell()
	s.boot(s.diesInRequest(s.serving(1), 5))
	key := s.release()
	for range 5 {
		s.diesInRequest(key, 0)
		for s.core.slots[0].state == WaitingSlot || s.core.slots[0].serving().state != ReadyWorker {
			s.settleOrFire()
		}
		key = s.serving(0)
	}
	s.heldAndLifted(0, 0)
}

// TestSlotsAreNeverLeftEmptyForAReleaseThatIsHeldBack: an older worker that dies is replaced from the older preloader, and where
// that is gone, from the newer one.
func TestSlotsAreNeverLeftEmptyForAReleaseThatIsHeldBack(t *testing.T) {
	s := running(t, 3)
	first := s.release()
	s.answers(first, 3, 3)
	s.settle()
	if spawned := find[SpawnWorker](s.dies(s.serving(1), 5)); len(spawned) != 1 || spawned[0].Key.Generation != 1 {
		t.Errorf("%+v", spawned)
	}
	s.settle()
	if spawned := find[SpawnWorker](s.dies(first, 3)); len(spawned) != 1 || spawned[0].Key.Generation != 1 {
		t.Errorf("in the place of the one that answers errors: %+v", spawned)
	}
	s.settle()
	s.serve(1, 1, 1)
	s.event(PreloaderExited{Origin: gen(1), Exit: ident.ExitStatus{Signal: 9}})
	s.settle()
	s.serve(1, 1, 1)
	if spawned := find[SpawnWorker](s.dies(s.serving(2), 5)); len(spawned) != 1 || spawned[0].Key.Generation != 2 {
		t.Errorf("without the older preloader: %+v", spawned)
	}
	s.settle()
	s.serve(1, 1, 2)
}

// TestAnOlderReleaseThatDoesNotComeUpAnyMore is tried in turn with the one that is held back.
func TestAnOlderReleaseThatDoesNotComeUpAnyMore(t *testing.T) {
	s := running(t, 2)
	s.answers(s.release(), 3, 3)
	s.settle()
	tried := []int{}
	for spawned := find[SpawnWorker](s.dies(s.serving(1), 5)); len(tried) < 6; spawned = find[SpawnWorker](s.newest) {
		if len(spawned) == 0 {
			s.fire(TimerSlot)
			continue
		}
		tried = append(tried, spawned[0].Key.Generation)
		s.dies(spawned[0].Key, 0)
	}
	if !slices.Equal(tried, []int{1, 1, 2, 1, 2, 1}) {
		t.Errorf("tried %v", tried)
	}
}

// TestTheNextReleaseTakesTheSlotOfTheOneThatIsHeldBackFirst, and has a trial of its own. One that does not load lifts nothing.
func TestTheNextReleaseTakesTheSlotOfTheOneThatIsHeldBackFirst(t *testing.T) {
	s := running(t, 3)
	s.answers(s.release(), 3, 3)
	s.settle()
	s.event(RestartAsked{"HUP"})
	s.event(PreloaderExited{Origin: gen(3), Exit: ident.ExitStatus{Code: 1}})
	s.settle()
	s.serve(2, 1, 1)
	s.core.slots[0], s.core.slots[2] = s.core.slots[2], s.core.slots[0] // it is not the first slot
	s.core.slots[0].number, s.core.slots[2].number = 0, 2
	for _, slot := range []int{0, 2} {
		s.core.slots[slot].workers[0].key.Slot = slot
	}
	s.event(RestartAsked{"HUP"})
	spawned := find[SpawnWorker](s.load(4))
	if len(spawned) != 1 || spawned[0].Key.Slot != 2 {
		t.Fatalf("%+v", spawned)
	}
	s.ready(spawned[0].Key)
	s.answers(spawned[0].Key, 3, 3)
	s.settle()
	s.serve(1, 1, 4)
	s.answers(spawned[0].Key, 4, 0)
	s.settle()
	s.serve(4, 4, 4)
	s.heldAndLifted(2, 1)
}

// TestSeedsOfAReleaseThatIsHeldBack: no slot waits for a refork from them, what they were lent they return, and one stays.
func TestSeedsOfAReleaseThatIsHeldBack(t *testing.T) {
	s := seeded(t, 5)
	s.boot(s.press())
	s.settle()
	s.answerWell()
	s.event(RestartAsked{"HUP"})
	s.load(2)
	s.settle()
	s.serve(2, 2, 1, 1, 1)
	s.answers(s.serving(0), 12, 12)
	if ended := find[SeedingEnded](s.newest); len(ended) != 1 || ended[0].Reason != ReasonHeld {
		t.Errorf("%+v", s.newest)
	}
	s.settle()
	s.serve(2, 1, 1, 1, 1)
	s.event(TimerFired{Timer{TimerSeed, ident.Key{Generation: 2}}})
	s.settle()
	s.serve(2, 1, 1, 1, 1)
	if n := s.kinds["core.ReforkWorker"]; n != 0 {
		t.Errorf("%d reforks", n)
	}
	s.answers(s.serving(0), 13, 0)
	s.settle()
	s.serve(2, 2, 2, 2, 2)
}

// TestTheOlderReleaseStillGrows: it has its seeds again, and they serve the slots without a worker.
func TestTheOlderReleaseStillGrows(t *testing.T) {
	s := seeded(t, 5)
	s.answerWell()
	s.event(RestartAsked{"HUP"})
	s.load(2)
	s.settle()
	s.serve(2, 1, 2) // the third slot had no worker
	s.answers(s.serving(0), 3, 3)
	s.settle()
	s.serve(2, 1, 1, 1)
	for slot, lent := range map[int]bool{0: false, 1: true, 2: true, 3: true} {
		if has := s.core.slots[slot].serving().borrowed; slices.Contains(has, 4) != lent {
			t.Errorf("the worker of slot %d is lent %v", slot, has)
		}
	}
}

// TestWorkersAreRenewedWhileAReleaseIsHeldBack, each by one of its own release.
func TestWorkersAreRenewedWhileAReleaseIsHeldBack(t *testing.T) {
	s := renewing(t, 3, twenty)
	first := s.release()
	s.answers(first, 3, 3)
	s.settle()
	s.past(1, 21)
	s.past(0, 22)
	s.event(WorkersMeasured{})
	for range 3 {
		s.settle()
		s.now += 2 * time.Second
		s.event(WorkersMeasured{})
	}
	s.serve(2, 1, 1)
	if renewed := s.serving(0) != first && s.serving(1).Serial != 2; !renewed {
		t.Errorf("%v and %v serve", s.serving(0), s.serving(1))
	}
	s.heldAndLifted(1, 0)
}

// TestTheOlderReleaseReforksWhileANewerOneIsHeldBack, and is the older one still.
func TestTheOlderReleaseReforksWhileANewerOneIsHeldBack(t *testing.T) {
	s := seeded(t, 5)
	s.event(RestartAsked{"HUP"})
	s.load(2)
	s.settle()
	s.answers(s.serving(1), 5, 0) // an older seed
	s.answers(s.serving(0), 4, 4)
	s.settle()
	asked := find[ReforkWorker](s.answers(s.serving(1), 20, 0))
	if len(asked) != 1 || asked[0].Origin != refork(1, 1) {
		t.Fatalf("%+v", s.newest)
	}
	s.reforked(asked[0].Origin)
	if order := s.view().Generations; len(order) != 2 || len(order[0].Preloaders) != 2 {
		t.Errorf("%+v", order)
	}
	s.settle()
	s.answers(s.serving(0), 5, 0)
	s.settle()
	s.serve(2, 2, 2, 2, 2)
}

// TestDirectReleaseThatAnswersErrors: the older processes serve on, and one that dies is replaced by what there is.
func TestDirectReleaseThatAnswersErrors(t *testing.T) {
	s := runningDirect(t, 3)
	s.answerWell()
	s.event(RestartAsked{"HUP"})
	first := s.newestKey()
	s.serves(first)
	s.answers(first, 3, 3)
	next := s.coming()
	if drained := find[DrainWorker](s.serves(next)); len(drained) != 1 || drained[0].Key != next {
		t.Errorf("%+v", drained)
	}
	s.event(WorkerExited{Key: next})
	s.serve(2, 1, 1)
	s.heldAndLifted(1, 0)
}

// TestAReleaseThatHasAllSlotsIsHeldBackNoMore: each older worker has died, and their preloader before.
func TestAReleaseThatHasAllSlotsIsHeldBackNoMore(t *testing.T) {
	s := running(t, 2)
	s.answers(s.release(), 3, 3)
	s.settle()
	s.event(PreloaderExited{Origin: gen(1), Exit: ident.ExitStatus{Signal: 9}})
	s.dies(s.serving(1), 5)
	s.settle()
	s.serve(2, 2)
	s.heldAndLifted(1, 1)
	if lifted := find[ReleaseLifted](s.acts); lifted[0].Answered {
		t.Errorf("%+v", lifted)
	}
}
