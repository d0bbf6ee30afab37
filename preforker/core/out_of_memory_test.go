package core

import (
	"testing"

	"launcher/preforker/ident"
)

// TestAnEndByTheKernelIsNamed: of a worker in whatever state, and of a preloader.
func TestAnEndByTheKernelIsNamed(t *testing.T) {
	s := running(t, 2)
	killed := ident.ExitStatus{Signal: ident.SIGKILL}
	died := find[WorkerDied](s.event(WorkerExited{Key: s.serving(0), Exit: killed, Served: 3, OutOfMemory: true}))
	if len(died) != 1 || died[0].Reason != ReasonOutOfMemory {
		t.Errorf("%+v", died)
	}
	if died := find[WorkerDied](s.event(WorkerExited{Key: s.serving(1), Exit: killed, Served: 3})); len(died) != 1 || died[0].Reason != ReasonCrashed {
		t.Errorf("%+v", died)
	}
	if died := find[PreloaderDied](s.event(PreloaderExited{Origin: gen(1), Exit: killed, OutOfMemory: true})); len(died) != 1 || died[0].Reason != ReasonOutOfMemory {
		t.Errorf("%+v", died)
	}
}
