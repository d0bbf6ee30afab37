package preforker

import (
	"testing"

	"launcher/preforker/control"
	"launcher/preforker/core"
)

// TestReadiness: what a load balancer is told, by how the service is.
func TestReadiness(t *testing.T) {
	for name, test := range map[string]struct {
		is   Condition
		want string // the reason; "": it is ready
	}{
		"the first load":                     {Condition{Loading: true, Slots: 2}, control.UnreadyLoading},
		"the first load fails":               {Condition{Loading: true, Failing: true, Slots: 2}, control.UnreadyFailing},
		"the first workers come up":          {Condition{Phase: core.PhaseRunning, Slots: 2}, control.UnreadyLoading},
		"one worker":                         {Condition{Phase: core.PhaseRunning, Slots: 2, Served: 1}, ""},
		"another release loads":              {Condition{Phase: core.PhaseRunning, Slots: 2, Served: 2, Loading: true, Generation: 1, Restarting: true}, ""},
		"another release fails":              {Condition{Phase: core.PhaseRunning, Slots: 2, Served: 2, Failing: true, Generation: 1}, ""},
		"another release takes slots":        {Condition{Phase: core.PhaseRunning, Slots: 2, Served: 1, Leaving: 1, Generation: 1, Restarting: true}, ""},
		"a slot has failed":                  {Condition{Phase: core.PhaseRunning, Slots: 2, Served: 1, Waiting: 1, Generation: 1}, ""},
		"all slots have failed":              {Condition{Phase: core.PhaseRunning, Slots: 2, Waiting: 2, Generation: 1}, control.UnreadyFailing},
		"all slots have failed but parked":   {Condition{Phase: core.PhaseRunning, Slots: 3, Waiting: 1, Parked: 2, Generation: 1}, control.UnreadyFailing},
		"all workers were killed":            {Condition{Phase: core.PhaseRunning, Slots: 2, Generation: 1}, control.UnreadyNoWorker},
		"one was killed, and one has failed": {Condition{Phase: core.PhaseRunning, Slots: 2, Waiting: 1, Generation: 1}, control.UnreadyNoWorker},
		"the preloader too":                  {Condition{Phase: core.PhaseRunning, Slots: 2, Generation: 1, Loading: true}, control.UnreadyLoading},
		"stopping while workers still serve": {Condition{Phase: core.PhaseStopping, Slots: 2, Served: 2, Generation: 1}, control.UnreadyStopping},
		"it has ended":                       {Condition{Phase: core.PhaseDone, Slots: 2, Generation: 1}, control.UnreadyStopping},
	} {
		got := readinessOf(test.is)
		want := control.Readiness{Ready: test.want == "", State: test.is.Phase.String(), Reason: test.want, Slots: test.is.Slots, Served: test.is.Served}
		if got != want {
			t.Errorf("%s:\n got %+v\nwant %+v", name, got, want)
		}
	}
}
