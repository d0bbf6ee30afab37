package core

import (
	"slices"
	"testing"

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
	s.serve(1, 1, 1, 1)
	if v := s.view().Generations[1].Held; v == nil || *v != (HeldView{At: v.At, Errors: 3}) || v.At == 0 {
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

// TestTheWorkersOfAReleaseGiveTheirSlotsBack, but for one that answers well meanwhile: then the next one leaves that was to take it.
func TestTheWorkersOfAReleaseGiveTheirSlotsBack(t *testing.T) {
	s := running(t, 4)
	first := s.release()
	second := s.coming()
	s.ready(second)
	s.answers(second, 2, 2)
	s.answers(first, 1, 1)
	s.settle()
	s.serve(1, 1, 1, 1)
	if left := find[WorkerLeft](s.acts); !slices.ContainsFunc(left, func(l WorkerLeft) bool { return l.Worker.Key == second && l.Reason == ReasonHeld }) {
		t.Errorf("left %+v", left)
	}

	s = running(t, 4)
	first = s.release()
	s.event(WorkerExited{Key: ident.Key{Slot: 0, Generation: 1, Serial: 1}})
	s.answers(first, 3, 3)
	older := s.coming()
	if older.Generation != 1 || older.Slot != 0 {
		t.Fatalf("%v comes up", older)
	}
	s.answers(first, 4, 0)
	if drained := find[DrainWorker](s.ready(older)); len(drained) != 1 || drained[0].Key != older {
		t.Errorf("%+v", drained)
	}
	s.settle()
	s.serve(2, 2, 2, 2)
}

// TestTheLastAnswerOfAWorkerThatLeavesLiftsIt.
func TestTheLastAnswerOfAWorkerThatLeavesLiftsIt(t *testing.T) {
	s := running(t, 3)
	first := s.release()
	s.answers(first, 3, 3)
	s.event(WorkerExited{Key: ident.Key{Slot: 0, Generation: 1, Serial: 1}})
	s.ready(s.coming())
	s.event(WorkerExited{Key: first, Served: 4, Sound: true})
	s.settle()
	s.serve(2, 2, 2)
	s.heldAndLifted(1, 1)
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
	s.serve(1, 1, 1, 1)
	s.answers(ident.Key{Slot: 3, Generation: 1, Serial: 4}, 9, 3) // later it is no reason to let the release go on
	s.settle()
	s.serve(1, 1, 1, 1)
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
	if spawned := find[SpawnWorker](s.dies(s.serving(2), 5)); len(spawned) != 1 || spawned[0].Key.Generation != 1 {
		t.Errorf("%+v", spawned)
	}
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

// TestTheNextReleaseHasATrialOfItsOwn, and one that does not load lifts nothing.
func TestTheNextReleaseHasATrialOfItsOwn(t *testing.T) {
	s := running(t, 3)
	s.answers(s.release(), 3, 3)
	s.settle()
	s.event(RestartAsked{"HUP"})
	s.event(PreloaderExited{Origin: gen(3), Exit: ident.ExitStatus{Code: 1}})
	s.settle()
	s.serve(1, 1, 1)
	s.event(RestartAsked{"HUP"})
	fourth := find[SpawnWorker](s.load(4))[0].Key
	s.ready(fourth)
	s.answers(fourth, 3, 3)
	s.settle()
	s.serve(1, 1, 1)
	s.event(RestartAsked{"HUP"})
	fifth := find[SpawnWorker](s.load(5))[0].Key
	s.ready(fifth)
	s.answers(fifth, 3, 2)
	s.settle()
	s.serve(5, 5, 5)
	s.heldAndLifted(2, 0)
	if n := len(s.core.preloaders); n != 4 { // the older ones leave
		t.Errorf("%d preloaders", n)
	}
	s.exits()
	if n := len(s.core.preloaders); n != 1 {
		t.Errorf("%d preloaders", n)
	}
}

// TestTheNextReleaseDoesNotLoad, and is not loaded again unasked, though workers of the one that is held back have yet to leave.
func TestTheNextReleaseDoesNotLoad(t *testing.T) {
	s := running(t, 3)
	s.answers(s.release(), 3, 3)
	s.event(RestartAsked{"HUP"})
	actions := s.event(PreloaderExited{Origin: gen(3), Exit: ident.ExitStatus{Code: 1}})
	if len(find[LoadBegan](actions))+len(find[LoadWaits](actions)) != 0 {
		t.Errorf("%+v", actions)
	}
}

// TestPreloaderOfAReleaseThatIsHeldBackDies: the same code is not loaded again unasked, which would fail further requests, whether
// its workers have left or not. That of the older release is replaced.
func TestPreloaderOfAReleaseThatIsHeldBackDies(t *testing.T) {
	for _, settled := range []bool{true, false} {
		s := running(t, 3)
		s.answers(s.release(), 3, 3)
		if settled {
			s.settle()
		}
		actions := s.event(PreloaderExited{Origin: gen(2), Exit: ident.ExitStatus{Signal: 9}})
		if len(find[LoadBegan](actions))+len(find[LoadWaits](actions)) != 0 {
			t.Errorf("loaded again: %+v", actions)
		}
		s.settle()
		s.serve(1, 1, 1)
		if began := find[LoadBegan](s.event(PreloaderExited{Origin: gen(1), Exit: ident.ExitStatus{Signal: 9}})); len(began) != 1 {
			t.Errorf("nobody is left to fork: %+v", s.newest)
		}
	}
}

// TestPreloaderOfAReleaseThatWasHeldBackIsGone when its last worker answers well: then the release is loaded again.
func TestPreloaderOfAReleaseThatWasHeldBackIsGone(t *testing.T) {
	s := running(t, 3)
	first := s.release()
	s.answers(first, 3, 3)
	s.event(PreloaderExited{Origin: gen(2), Exit: ident.ExitStatus{Signal: 9}})
	s.event(WorkerExited{Key: ident.Key{Slot: 0, Generation: 1, Serial: 1}})
	s.ready(s.coming())
	actions := s.event(WorkerExited{Key: first, Served: 4, Sound: true})
	if lifted := find[ReleaseLifted](actions); len(lifted) != 1 || len(find[LoadBegan](actions)) != 1 {
		t.Fatalf("%+v", actions)
	}
	s.load(3)
	s.settle()
	s.serve(3, 3, 3)
}

// TestSlotsAreGivenBackWhileTheNextReleaseLoads: who fails at once looks idle, so one worker of it would get nearly all requests
// for as long as the load takes.
func TestSlotsAreGivenBackWhileTheNextReleaseLoads(t *testing.T) {
	s := running(t, 4)
	first := s.release()
	s.ready(s.coming())
	s.event(RestartAsked{"HUP"})
	s.answers(first, 3, 3)
	s.settle()
	s.serve(1, 1, 1, 1)
	if s.core.loading() == nil {
		t.Error("the next release does not load")
	}
}

// TestWorkersAreRenewedWhileAReleaseIsHeldBack, by those of their own release.
func TestWorkersAreRenewedWhileAReleaseIsHeldBack(t *testing.T) {
	s := renewing(t, 3, twenty)
	s.answers(s.release(), 3, 3)
	s.settle()
	older := s.serving(1)
	s.past(1, 21)
	s.event(WorkersMeasured{})
	s.settle()
	s.serve(1, 1, 1)
	if s.serving(1) == older {
		t.Errorf("%v serves on", older)
	}
	s.heldAndLifted(1, 0)
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
	s.serve(1, 2)
	s.heldAndLifted(1, 0)
	s.dies(s.serving(0), 5)
	s.settle()
	s.serve(2, 2)
	s.heldAndLifted(1, 1)
	if lifted := find[ReleaseLifted](s.acts); lifted[0].Answered {
		t.Errorf("%+v", lifted)
	}
}

// TestAnAnswerLiftsAnOlderTrialToo: the release after the one that is held back has come to nothing.
func TestAnAnswerLiftsAnOlderTrialToo(t *testing.T) {
	s := running(t, 3)
	first := s.release()
	s.answers(first, 3, 3)
	s.event(RestartAsked{"HUP"})
	s.load(3)
	s.event(PreloaderExited{Origin: gen(3)})
	s.answers(first, 5, 3)
	s.heldAndLifted(1, 1)
}

// TestDeathsWithoutARequestAreNoSign: somebody kills idle workers.
func TestDeathsWithoutARequestAreNoSign(t *testing.T) {
	s := running(t, 3)
	s.release()
	for range 4 {
		s.dies(s.serving(0), 1)
		s.boot(s.newest)
	}
	s.heldAndLifted(0, 0)
}
