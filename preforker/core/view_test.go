package core

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// view is checked to have the workers that EachWorker calls with.
func (s *script) view() View {
	s.t.Helper()
	v := s.core.View(s.now)
	var want, got []WorkerView
	for _, slot := range slices.Concat(v.Slots, v.Removed) {
		want = append(want, slot.Workers...)
	}
	if v.Spare != nil {
		want = append(want, *v.Spare)
	}
	s.core.EachWorker(func(w WorkerView) { got = append(got, w) })
	if !slices.Equal(got, want) {
		s.t.Errorf("each worker: %+v, want %+v", got, want)
	}
	return v
}

// line is a view in short: "running; 1 ready; 0 occupied: 1 ready 1001; 1 vacant".
func line(v View) string {
	parts := []string{v.Phase.String()}
	for _, g := range v.Generations {
		part := strconv.Itoa(g.Generation)
		for _, p := range g.Preloaders {
			part += " " + strings.TrimPrefix(fmt.Sprintf("%d.%s", p.Origin.Refork, p.State), "0.")
		}
		parts = append(parts, part)
	}
	for _, slot := range v.Slots {
		part := fmt.Sprintf("slot %d %s", slot.Slot, slot.State)
		for _, w := range slot.Workers {
			part += fmt.Sprintf(", %s %s %d", strings.TrimSuffix(fmt.Sprintf("%d.%d", w.Key.Generation, w.Key.Refork), ".0"), w.State, w.Pid)
			if w.Reason != "" {
				part += " " + string(w.Reason)
			}
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, "; ")
}

func (s *script) views(want string) View {
	s.t.Helper()
	v := s.view()
	if got := line(v); got != want {
		s.t.Errorf("\n got %s\nwant %s", got, want)
	}
	return v
}

func TestViewOfAStart(t *testing.T) {
	s := newScript(t, 2)
	s.now += 3 * time.Second
	v := s.views("loading; 1 starting; slot 0 vacant; slot 1 vacant")
	if g := v.Generations[0]; g.Preloaders[0].Since != 0 || g.Loaded != nil {
		t.Errorf("%+v", v)
	}
	s.event(PreloaderHello{gen(1), Hello{Pid: 101}})
	s.views("loading; 1 loading; slot 0 vacant; slot 1 vacant")
	spawns := find[SpawnWorker](s.event(PreloaderLoaded{gen(1), Load{Seconds: 2.5, Ruby: "3.1.2", Rails: "6.1", Rack: "2.2"}}))
	s.now += time.Second
	s.event(WorkerSpawned{spawns[0].Key, 1001})
	v = s.views("running; 1 ready; slot 0 occupied, 1 booting 1001; slot 1 occupied, 1 spawning 0")
	g := v.Generations[0]
	if g.Loaded.At != 3*time.Second || g.Loaded.Load.Seconds != 2.5 || g.Loaded.Load.Ruby+g.Loaded.Load.Rails+g.Loaded.Load.Rack != "3.1.26.12.2" {
		t.Errorf("%+v", g)
	}
	if v.Slots[1].Workers[0].Since != 3*time.Second || !v.Slots[1].Open || v.MemoryBound != nil {
		t.Errorf("%+v", v)
	}
}

func TestViewOfARoll(t *testing.T) {
	s := running(t, 2)
	s.event(RestartAsked{"HUP"})
	next := find[SpawnWorker](s.load(2))[0].Key
	s.views("running; 1 ready; 2 ready; slot 0 occupied, 1 ready 1001, 2 spawning 0; slot 1 occupied, 1 ready 1002")
	s.ready(next)
	s.views("running; 1 ready; 2 ready; slot 0 occupied, 1 draining 1001 replaced by a newer generation, 2 ready 1003; " +
		"slot 1 occupied, 1 ready 1002, 2 spawning 0")
	s.event(StopAsked{"TERM", false})
	s.views("stopping; 1 retiring; 2 retiring; slot 0 occupied, 1 draining 1001 replaced by a newer generation, 2 draining 1003 stopping; " +
		"slot 1 occupied, 1 draining 1002 stopping, 2 draining 0 stopping")
}

// TestViewOfARefork: two preloaders of a generation, which was loaded once.
func TestViewOfARefork(t *testing.T) {
	s := &script{t: t, core: New(1, Policy{BootTimeout: time.Minute, MeasurePeriod: testPeriod, DrainTimeout: time.Minute, LoadsAtOnce: 2,
		Refork: Refork{After: []uint64{5}}}, func() float64 { return 0 }), kinds: map[string]int{}}
	s.event(Started{})
	s.boot(s.load(1))
	asked := find[ReforkWorker](s.event(WorkersMeasured{[]Measurement{{Key: s.serving(0), Private: 5 * mB, Served: 5}}}))
	if len(asked) != 1 {
		t.Fatalf("%+v", asked)
	}
	s.views("running; 1 ready 1.starting; slot 0 occupied, 1 ready 1001")
	s.now += time.Second
	s.boot(s.event(PreloaderLoaded{asked[0].Origin, Load{Pid: 300}}))
	v := s.views("running; 1 ready 1.ready; slot 0 occupied, 1 draining 1001 replaced by a fork of a warm worker, 1.1 ready 1002")
	if g := v.Generations[0]; len(v.Generations) != 1 || g.Loaded.At != 0 || g.Loaded.Load.Ruby != "3.1.2" {
		t.Errorf("%+v", v.Generations)
	}
}

// TestViewOfTrouble: a load that failed is told until another one succeeds, and so is a generation that has lost its
// preloader, and a slot that waits.
func TestViewOfTrouble(t *testing.T) {
	s := running(t, 2)
	s.event(RestartAsked{"HUP"})
	s.event(PreloaderHello{gen(2), Hello{Pid: 102}})
	s.now += 5 * time.Second
	s.event(PreloaderExited{Origin: gen(2), Failed: &Failed{Failure: Failure{Class: "NameError", Message: "no such thing",
		AppFrames: []string{"config.ru:1"}}}})
	f := s.view().FailedLoad
	if f == nil || f.Failure.Generation != 2 || f.At != s.now || f.Failure.Failed.Failure.Class != "NameError" {
		t.Errorf("%+v", f)
	}
	s.now += time.Minute
	s.event(PreloaderExited{Origin: gen(1)})
	v := s.views("running; 1; 3 starting; slot 0 occupied, 1 ready 1001; slot 1 occupied, 1 ready 1002")
	if g := v.Generations[0]; g.Loaded == nil || g.Loaded.Load.Ruby != "3.1.2" {
		t.Errorf("it has forgotten when it was loaded: %+v", g)
	}
	s.load(3)
	if f := s.view().FailedLoad; f != nil {
		t.Errorf("%+v", f)
	}

	s = running(t, 1)
	s.boot(s.dies(s.serving(0), 0))
	for s.core.slots[0].open { // the waits grow
		s.dies(s.serving(0), 0)
		if s.core.slots[0].open {
			s.boot(s.fire(TimerSlot))
		}
	}
	s.now += time.Second / 4
	slot := s.views("running; 1 ready; slot 0 backoff").Slots[0]
	if wait := s.core.slots[0].retryAt - s.now; slot.Open || slot.RetryAt != s.core.slots[0].retryAt || wait <= 0 || slot.Deaths != s.core.slots[0].deaths {
		t.Errorf("%+v, it waits %v", slot, wait)
	}
}

func TestViewOfDirectSpawning(t *testing.T) {
	s := newDirect(t, 2, 1)
	s.hello(s.newestKey())
	s.views("loading; 1 loading; slot 0 occupied, 1 booting 1001; slot 1 vacant")
	s.serveAll(s.serves(s.newestKey()))
	if v := s.views("running; 1 ready; slot 0 occupied, 1 ready 1001; slot 1 occupied, 1 ready 1002"); v.MemoryBound != nil {
		t.Errorf("%+v", v.MemoryBound)
	}
}

func TestViewOfTheMemoryBound(t *testing.T) {
	for name, test := range map[string]struct {
		renewal Renewal
		want    *MemoryBound
	}{
		"given": {Renewal{Budget: Budget{Bytes: 20 * mB}}, &MemoryBound{110 * mB, 60 * mB, 2, 20 * mB, false, 10 * mB}},
		"auto":  {Renewal{Budget: Budget{Auto: true}}, &MemoryBound{130 * mB, 60 * mB, 2, 30 * mB, true, 10 * mB}},
		"none":  {Renewal{MaxRequests: 100}, nil},
	} {
		s := renewing(t, 2, test.renewal)
		got := s.view().MemoryBound
		if (got == nil) != (test.want == nil) || got != nil && *got != *test.want {
			t.Errorf("%s: %+v, want %+v", name, got, test.want)
		}
	}
	s := renewing(t, 2, Renewal{Budget: Budget{Auto: true}})
	s.measured(0, 6, MinService)
	s.measured(0, 14, AimedService)
	if p := s.view().MemoryBound; p.Provisional || p.Each != 14*mB || p.Total != 98*mB {
		t.Errorf("learned: %+v", p)
	}
}

// TestEachWorker is called with those of slots that are gone, and with the spare.
func TestEachWorker(t *testing.T) {
	s := spared(t, 2)
	s.event(ScaleAsked{"scale", 1})
	if v := s.view(); v.Spare == nil || len(v.Removed) != 1 {
		t.Errorf("%+v", v)
	}
}
