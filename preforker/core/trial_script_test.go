package core

import (
	"slices"

	"launcher/preforker/ident"
)

// release has a core whose workers have answered well load the next generation, and returns the first worker of that one, which is
// ready. The next slot's is on its way.
func (s *script) release() (first ident.Key) {
	s.t.Helper()
	s.answerWell()
	s.event(RestartAsked{"HUP"})
	first = find[SpawnWorker](s.load(s.core.generation))[0].Key
	s.ready(first)
	return first
}

// answerWell has the worker of each slot answer some requests.
func (s *script) answerWell() {
	s.t.Helper()
	for _, slot := range s.core.slots {
		if w := slot.serving(); w != nil && w.state == ReadyWorker {
			s.answers(w.key, w.served+5, 0)
		}
	}
}

// answers tells that a worker has served so many requests, and how many of the last ones were answered with 500.
func (s *script) answers(key ident.Key, served, errors uint64) []Action {
	s.t.Helper()
	s.now += testPeriod
	return s.event(WorkersMeasured{[]Measurement{{Key: key, Served: served, Errors: errors, Sound: served > errors}}})
}

// diesInRequest ends a worker that has served so many requests, all with 500.
func (s *script) diesInRequest(key ident.Key, served uint64) []Action {
	s.t.Helper()
	s.now += testPeriod
	return s.event(WorkerExited{Key: key, Exit: ident.ExitStatus{Signal: 11}, Served: served, Errors: served, Request: "GET /"})
}

// coming is the worker that comes up.
func (s *script) coming() ident.Key {
	s.t.Helper()
	for _, slot := range s.core.slots {
		for _, w := range slot.workers {
			if w.state == SpawningWorker || w.state == BootingWorker {
				return w.key
			}
		}
	}
	s.t.Fatal("nobody comes up")
	return ident.Key{}
}

// settle has everybody come up, and leave, until nobody is on the way.
func (s *script) settle() {
	s.t.Helper()
	for rounds, busy := 0, true; busy; rounds++ {
		if busy = false; rounds == 100 {
			s.t.Fatal("it does not come to rest")
		}
		for _, slot := range s.core.slots {
			for _, w := range slices.Clone(slot.workers) {
				switch {
				case w.state == SpawningWorker || w.state == BootingWorker:
					busy = true
					s.ready(w.key)
				case w.leaving():
					busy = true
					s.event(WorkerExited{Key: w.key, Served: w.served})
				}
			}
		}
	}
}

// serve says which generations serve the slots.
func (s *script) serve(want ...int) {
	s.t.Helper()
	var found []int
	for _, slot := range s.core.slots {
		for _, w := range slot.workers {
			if w.state == ReadyWorker {
				found = append(found, w.key.Generation)
			}
		}
	}
	if !slices.Equal(found, want) {
		s.t.Errorf("the slots are served by %v, want %v", found, want)
	}
}

// told counts how often a release was held back, and how often that was lifted.
func (s *script) heldAndLifted(held, lifted int) {
	s.t.Helper()
	if h, l := s.kinds["core.ReleaseHeld"], s.kinds["core.ReleaseLifted"]; h != held || l != lifted {
		s.t.Errorf("held back %d times, lifted %d times; want %d and %d", h, l, held, lifted)
	}
}
