package core

import (
	"testing"
	"time"

	"launcher/preforker/ident"
)

// crash has the newest worker of a slot die before it is ready, and returns what followed.
func (s *script) crash(slot int) []Action {
	s.t.Helper()
	key := s.serving(slot)
	s.event(WorkerSpawned{key, 1000 + key.Serial})
	return s.event(WorkerExited{Key: key, Exit: ident.ExitStatus{Signal: 11}, Lines: []string{"[BUG] Segmentation fault"}, CPU: 10 * time.Millisecond})
}

// crashes has workers of a slot die until it has failed, and returns what followed from the last one.
func (s *script) crashes(slot int) (actions []Action) {
	s.t.Helper()
	for deaths := 1; deaths <= slotCrashes; deaths++ {
		if s.core.slots[slot].crashes.failed {
			s.t.Fatalf("it has failed after %d deaths", deaths-1)
		}
		s.retry(slot)
		actions = s.crash(slot)
	}
	if state := s.core.slots[slot].state; state != FailedSlot {
		s.t.Fatalf("it is %v after %d deaths", state, slotCrashes)
	}
	return actions
}

// retry lets the wait of a slot pass, if it waits.
func (s *script) retry(slot int) []Action {
	s.t.Helper()
	waits := s.core.slots[slot]
	if waits.state != WaitingSlot && waits.state != FailedSlot {
		return nil
	}
	s.now = max(s.now, waits.retryAt)
	return s.event(TimerFired{Timer{TimerSlot, ident.Key{Slot: slot, Serial: waits.waits}}})
}

func TestASlotFailsAfterManyDeaths(t *testing.T) {
	s := running(t, 2)
	s.dies(s.serving(0), 3)
	failed := find[SlotFailed](s.crashes(0))
	if len(failed) != 1 || failed[0].Deaths != slotCrashes || failed[0].Wait != failedRetry || failed[0].Again || failed[0].Served ||
		failed[0].Death.Exit.Signal != 11 || failed[0].Death.Lines[0] != "[BUG] Segmentation fault" {
		t.Fatalf("%+v", failed)
	}
	view := s.core.View(s.now).Slots
	if view[0].State != FailedSlot || view[0].Failed == nil || view[0].Failed.Deaths != slotCrashes || view[0].Open || view[0].RetryAt != s.now+failedRetry ||
		view[0].Died == nil || view[0].Died.Exit.Signal != 11 {
		t.Errorf("%+v", view[0])
	}
	if view[1].State != OccupiedSlot || view[1].Failed != nil || view[1].Died != nil {
		t.Errorf("the other slot: %+v", view[1])
	}
	for range 3 { // it is tried once each time
		before := s.now
		if spawned := find[SpawnWorker](s.retry(0)); len(spawned) != 1 || s.now-before != failedRetry {
			t.Fatalf("%+v after %v", spawned, s.now-before)
		}
		if again := find[SlotFailed](s.crash(0)); len(again) != 1 || !again[0].Again || again[0].Wait != failedRetry {
			t.Fatalf("%+v", again)
		}
	}
}

// TestAFailedSlotRecovers by itself, when what it lacked is there again, and with it others that lacked it.
func TestAFailedSlotRecovers(t *testing.T) {
	for name, sound := range map[string]func(*script, ident.Key) []Action{
		"serves": func(s *script, key ident.Key) []Action {
			return s.event(WorkersMeasured{[]Measurement{{Key: key, Served: 1}}})
		},
		"is idle": func(s *script, _ ident.Key) []Action { return s.fire(TimerSound) },
	} {
		s := running(t, 3)
		for slot := range 2 {
			s.dies(s.serving(slot), 3)
			s.crashes(slot)
		}
		key := find[SpawnWorker](s.retry(0))[0].Key
		if recovered := find[SlotRecovered](s.ready(key)); len(recovered) != 0 || !s.core.slots[0].crashes.failed {
			t.Errorf("%s: it has recovered before it has shown anything", name)
		}
		actions := sound(s, key)
		recovered, spawned := find[SlotRecovered](actions), find[SpawnWorker](actions)
		if len(recovered) != 1 || recovered[0].Worker.Key != key || s.core.slots[0].crashes.failed || s.core.slots[0].deaths != 0 {
			t.Fatalf("%s: %+v", name, actions)
		}
		if len(spawned) != 1 || spawned[0].Key.Slot != 1 {
			t.Fatalf("%s: the other one is not tried: %+v", name, spawned)
		}
		if s.crash(1); s.core.slots[1].state != FailedSlot {
			t.Errorf("%s: the other one is %v, and has crashed again", name, s.core.slots[1].state)
		}
	}
}

// TestARestartTriesFailedSlots at once, and their next failures count from the first.
func TestARestartTriesFailedSlots(t *testing.T) {
	s := running(t, 2)
	s.dies(s.serving(0), 3)
	s.crashes(0)
	waited := s.core.slots[0].waits
	spawned := find[SpawnWorker](s.event(RestartAsked{"HUP"}))
	if len(spawned) != 1 || spawned[0].Key.Slot != 0 || s.core.slots[0].crashes.failed || s.core.slots[0].crashes.row != 0 {
		t.Fatalf("%+v", s.newest)
	}
	s.crash(0)
	if s.core.slots[0].state != WaitingSlot {
		t.Errorf("%v", s.core.slots[0].state)
	}
	if actions := s.event(TimerFired{Timer{TimerSlot, ident.Key{Slot: 0, Serial: waited}}}); len(actions) != 0 {
		t.Errorf("the timer of the failed slot: %+v", actions)
	}
	loaded := s.load(2)
	for _, spawn := range find[SpawnWorker](append(loaded, s.retry(0)...)) {
		if spawn.Key.Generation != 2 {
			t.Errorf("the slot in which workers of generation 1 have died gets another one: %v", spawn.Key)
		}
	}
}

// TestAReleaseThatDoesNotComeUpFailsBesideTheOldWorker: that one serves on, and its own requests are no sign for the release.
func TestAReleaseThatDoesNotComeUpFailsBesideTheOldWorker(t *testing.T) {
	s := running(t, 1)
	old := s.serving(0)
	s.event(RestartAsked{"HUP"})
	spawned := find[SpawnWorker](s.load(2))
	var failed []SlotFailed
	for range slotCrashes {
		if len(spawned) == 0 {
			s.now = max(s.now, s.core.slots[0].retryAt)
			spawned = find[SpawnWorker](s.event(TimerFired{Timer{TimerSlot, ident.Key{Serial: s.core.slots[0].waits}}}))
		}
		actions := s.dies(spawned[0].Key, 0)
		failed = append(failed, find[SlotFailed](actions)...)
		spawned = find[SpawnWorker](actions)
	}
	if len(failed) != 1 || !failed[0].Served {
		t.Fatalf("%+v", failed)
	}
	s.event(WorkersMeasured{[]Measurement{{Key: old, Served: 50}}})
	view := s.core.View(s.now).Slots[0]
	if view.State != OccupiedSlot || view.Failed == nil || !view.Open || view.Serving().Key != old {
		t.Errorf("%+v", view)
	}
	if s.dies(old, 50); !s.core.slots[0].crashes.failed {
		t.Error("the end of the old worker tells that the new ones are sound")
	}
}

// TestRequestsThatKillNeverMakeASlotFail, whatever they come between.
func TestRequestsThatKillNeverMakeASlotFail(t *testing.T) {
	for name, dies := range map[string]WorkerExited{
		"in its first request": {Request: "GET /crash"}, "after one": {Served: 1}, "in its second": {Served: 1, Request: "GET /crash"}} {
		s := running(t, 2)
		for range 200 {
			s.retry(0)
			s.ready(s.serving(0))
			dies.Key = s.serving(0)
			s.event(dies)
			if s.core.slots[0].crashes.failed || s.core.slots[0].crashes.row != 0 || !s.core.slots[0].open {
				t.Fatalf("%s: %+v", name, s.core.slots[0])
			}
		}
	}
}

// TestTriesOfWhatHasFailedCostLittle: where a load takes seconds of a CPU, and many slots have failed.
func TestTriesOfWhatHasFailedCostLittle(t *testing.T) {
	for cpu, want := range map[time.Duration][2]time.Duration{
		0:                     {failedRetry, unservedBackoff.max},
		40 * time.Millisecond: {failedRetry, 8 * time.Second},
		time.Second:           {400 * time.Second, 200 * time.Second},
		time.Minute:           {failedRetryMax, failedRetryDown},
	} {
		s := running(t, 3)
		for _, slot := range s.core.slots[:2] {
			slot.crashes.failed, slot.crashes.last.CPU = true, cpu
		}
		if wait := s.core.failedWait(s.core.slots[0]); wait != want[0] {
			t.Errorf("%v: %v, want %v", cpu, wait, want[0])
		}
		for slot := range s.core.slots {
			s.core.slots[slot].workers = nil
		}
		if wait := s.core.failedWait(s.core.slots[0]); wait != want[1] {
			t.Errorf("%v and nobody serves: %v, want %v", cpu, wait, want[1])
		}
	}
}

// TestAGenerationFailsAfterManyFailures, with the workers that are there; a restart tries at once, and what has been there for a while
// forgets them.
func TestAGenerationFailsAfterManyFailures(t *testing.T) {
	s := running(t, 2)
	s.event(PreloaderExited{Origin: gen(1)})
	s.failLoads(loadCrashes - 2)
	if n := s.kinds["core.GenerationFailed"]; n != 0 || s.core.View(s.now).Failing != nil {
		t.Fatalf("%d failures too early", n)
	}
	actions := s.event(PreloaderExited{Origin: gen(s.core.generation), Exit: ident.ExitStatus{Code: 1}})
	failed, failing := find[GenerationFailed](actions), s.core.View(s.now).Failing
	if len(failed) != 1 || failed[0].Failures != loadCrashes || failed[0].Wait != failedRetry || !failed[0].Served || failed[0].Again {
		t.Fatalf("%+v", actions)
	}
	if failing == nil || failing.Failures != loadCrashes || failing.RetryAt != s.now+failedRetry || failing.Failure.Exit.Code != 1 {
		t.Fatalf("%+v", failing)
	}
	if waits := find[LoadWaits](actions); len(waits) != 1 || !waits[0].Failed {
		t.Errorf("%+v", waits)
	}
	if loads := find[StartPreloader](s.event(RestartAsked{"HUP"})); len(loads) != 1 || s.core.View(s.now).Failing != nil {
		t.Fatalf("%+v", s.newest)
	}
	s.event(PreloaderExited{Origin: gen(s.core.generation), Exit: ident.ExitStatus{Code: 1}})
	s.failLoads(loadCrashes - 2)
	s.event(PreloaderExited{Origin: gen(s.core.generation), Exit: ident.ExitStatus{Code: 1}})
	if s.core.View(s.now).Failing == nil {
		t.Fatal("it has not failed again")
	}
	s.fire(TimerReload)
	s.boot(s.load(s.core.generation))
	if s.core.View(s.now).Failing == nil {
		t.Error("it has recovered before it has been there for a while")
	}
	if s.fire(TimerSound); s.core.View(s.now).Failing != nil || s.core.failures != 0 {
		t.Error("it has not recovered")
	}
}

// TestPreloadersThatLoadAndDieFailToo: each has loaded, and is gone at once.
func TestPreloadersThatLoadAndDieFailToo(t *testing.T) {
	s := running(t, 1)
	for failures := 1; failures <= loadCrashes+2; failures++ {
		actions := s.event(PreloaderExited{Origin: gen(s.core.generation), Exit: ident.ExitStatus{Signal: 11}})
		if failed := len(find[GenerationFailed](actions)) == 1; failed != (failures >= loadCrashes) {
			t.Fatalf("after %d: %+v", failures, actions)
		}
		if len(find[StartPreloader](actions)) == 0 {
			s.fire(TimerReload)
		}
		s.load(s.core.generation)
	}
	if f := s.core.View(s.now).Failing; f == nil || f.Failure.Was != ReadyPreloader || f.Failure.Exit.Signal != 11 {
		t.Errorf("%+v", f)
	}
}

// TestASlotWithoutASocketDoesNotFail when the last of its workers dies: what is told is that the socket could not be bound. So a
// restart is no reason to try it at once, and there is no recovery to tell.
func TestASlotWithoutASocketDoesNotFail(t *testing.T) {
	s := running(t, 2)
	s.dies(s.serving(0), 3)
	for range slotCrashes - 1 {
		s.retry(0)
		s.crash(0)
	}
	s.retry(0)
	s.event(SocketsLost{[]int{0}})
	s.event(SlotNotBound{Slot: 0, Error: "no room"})
	if s.crash(0); s.core.slots[0].crashes.failed || s.kinds["core.SlotFailed"] != 0 || s.core.slots[0].state != WaitingSlot {
		t.Fatalf("%+v", s.core.slots[0].crashes)
	}
	if actions := s.event(RestartAsked{"HUP"}); len(find[SpawnWorker](actions)) != 0 || len(find[OpenSlot](actions)) != 0 {
		t.Errorf("%+v", actions)
	}
	spawned := find[SpawnWorker](s.retry(0))
	if len(spawned) != 1 {
		t.Fatalf("%+v", s.newest)
	}
	s.ready(spawned[0].Key)
	s.event(WorkersMeasured{[]Measurement{{Key: spawned[0].Key, Served: 1}}})
	if s.core.slots[0].crashes.failed || s.kinds["core.SlotRecovered"] != 0 {
		t.Errorf("%+v", s.newest)
	}
}

// TestANewReleaseIsTriedAtOnce in slots that wait since workers of the one before have died there.
func TestANewReleaseIsTriedAtOnce(t *testing.T) {
	s := running(t, 2)
	s.dies(s.serving(0), 3)
	for range slotCrashes - 1 {
		s.retry(0)
		s.crash(0)
	}
	if slot := s.core.slots[0]; slot.state != WaitingSlot || slot.retryAt-s.now < time.Second {
		t.Fatalf("%v until %v, at %v", slot.state, slot.retryAt, s.now)
	}
	s.event(RestartAsked{"HUP"})
	tried := false
	for _, spawn := range find[SpawnWorker](s.load(2)) {
		tried = tried || spawn.Key.Slot == 0 && spawn.Key.Generation == 2
	}
	if slot := s.core.slots[0]; !tried {
		t.Errorf("%v until %v, at %v", slot.state, slot.retryAt, s.now)
	}
}

// TestALeaverThatDiesInARequestHasComeUp: its release was held back as it came up, and those before it have crashed.
func TestALeaverThatDiesInARequestHasComeUp(t *testing.T) {
	s := running(t, 2)
	s.dies(s.serving(0), 3)
	for range 3 {
		s.retry(0)
		s.crash(0)
	}
	s.retry(0)
	key := s.serving(0)
	s.ready(key)
	s.event(SocketsLost{[]int{0}}) // it leaves
	if s.event(WorkerExited{Key: key, Exit: ident.ExitStatus{Signal: 11}, Request: "GET /"}); s.core.slots[0].crashes.row != 0 {
		t.Errorf("%+v", s.core.slots[0].crashes)
	}
}
