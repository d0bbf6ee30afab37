package core

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"launcher/preforker/ident"
)

// testPeriod is the time between two measurements.
const testPeriod = 200 * time.Millisecond

// script drives a core without any process: it answers actions as a healthy Ruby
// would, unless a test says otherwise, and remembers them.
type script struct {
	t      *testing.T
	core   *Core
	now    time.Duration
	facts  []string // their names
	acts   []Action
	newest []Action // of the last event
	kinds  map[string]int
}

func newScript(t *testing.T, slots int) *script {
	t.Helper()
	s := &script{t: t, core: New(slots, Policy{BootTimeout: time.Minute, MeasurePeriod: testPeriod, DrainTimeout: 30 * time.Second},
		func() float64 { return 0 }), kinds: map[string]int{}}
	s.event(Started{})
	return s
}

// event feeds one event and answers the actions that it led to.
func (s *script) event(e Event) []Action {
	s.t.Helper()
	actions := s.core.Step(s.now, e)
	s.core.View(s.now) // at any time
	s.newest = actions
	for _, a := range actions {
		s.acts = append(s.acts, a)
		s.kinds[fmt.Sprintf("%T", a)]++
		if wrong, is := a.(Contradiction); is {
			s.t.Errorf("after %T %+v: %s", e, e, wrong.Error)
		}
		if _, is := a.(Fact); is {
			s.facts = append(s.facts, strings.TrimPrefix(fmt.Sprintf("%T", a), "core."))
		}
	}
	return actions
}

// fire lets a timer's time pass.
func (s *script) fire(kind TimerKind) []Action {
	s.t.Helper()
	for i := len(s.acts) - 1; i >= 0; i-- {
		if set, ok := s.acts[i].(SetTimer); ok && set.Timer.Kind == kind {
			s.now += set.After
			return s.event(TimerFired{set.Timer})
		}
	}
	s.t.Fatalf("no timer %q was set", kind)
	return nil
}

func find[A Action](actions []Action) []A {
	var found []A
	for _, a := range actions {
		if a, ok := a.(A); ok {
			found = append(found, a)
		}
	}
	return found
}

func (s *script) load(generation int) []Action {
	s.t.Helper()
	s.event(PreloaderHello{gen(generation), Hello{Pid: 100 + generation, Ruby: "3.1.2"}})
	return s.event(PreloaderLoaded{gen(generation), Load{Pid: 100 + generation, Ruby: "3.1.2"}})
}

// boot answers every spawn in the actions, and those that follow from the answers.
func (s *script) boot(actions []Action) {
	s.t.Helper()
	for spawns := find[SpawnWorker](actions); len(spawns) > 0; {
		var next []Action
		for _, spawn := range spawns {
			next = append(next, s.ready(spawn.Key)...)
		}
		spawns = find[SpawnWorker](next)
	}
}

func (s *script) ready(key ident.Key) []Action {
	s.t.Helper()
	actions := s.event(WorkerSpawned{key, 1000 + key.Serial})
	return append(actions, s.event(WorkerReady{key, 1000 + key.Serial})...)
}

func (s *script) dies(key ident.Key, served uint64) []Action {
	s.t.Helper()
	return s.event(WorkerExited{Key: key, Exit: ident.ExitStatus{Signal: 9}, Served: served})
}

func running(t *testing.T, slots int) *script {
	t.Helper()
	s := newScript(t, slots)
	s.boot(s.load(1))
	return s
}

func (s *script) serving(slot int) ident.Key {
	s.t.Helper()
	w := s.core.slots[slot].serving()
	if w == nil {
		s.t.Fatalf("slot %d serves nothing", slot)
	}
	return w.key
}

// nothing stands for nothing happening.
var nothing = WorkerReady{ident.Key{Slot: -1}, 0}

func gen(generation int) ident.Origin { return ident.Origin{Generation: generation} }

// last is the newest fact.
func (s *script) last() string {
	s.t.Helper()
	facts := find[Fact](s.acts)
	if len(facts) == 0 {
		return ""
	}
	return fmt.Sprintf("%T%+v", facts[len(facts)-1], facts[len(facts)-1])
}
