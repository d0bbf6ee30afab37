package systemd

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"launcher/preforker"
	"launcher/preforker/core"
)

var monotonicTime = regexp.MustCompile(`MONOTONIC_USEC=[1-9]\d*`)

// TestReports follows what a service manager is told of a service, of a condition at a time.
func TestReports(t *testing.T) {
	t.Parallel()
	const serves = core.PhaseRunning
	tests := map[string]struct {
		watchdog bool
		steps    []preforker.Condition
		want     []string // of each step: messages, joined by a space; lines of one by a comma
	}{
		"start": {steps: []preforker.Condition{
			{Loading: true, Slots: 2},
			{Loading: true, Slots: 2},
			{Phase: serves, Slots: 2, Served: 1},
			{Phase: serves, Slots: 2, Served: 2},
			{Phase: serves, Slots: 2, Served: 2, Generation: 1},
		}, want: []string{"STATUS=loading the application EXTEND_TIMEOUT_USEC=30000000", "", "STATUS=1 of 2 slots are served",
			"STATUS=2 of 2 slots are served READY=1", "STATUS=2 of 2 slots are served by generation 1"}},
		"start with seeds that serve all": {steps: []preforker.Condition{
			{Phase: serves, Slots: 9, Served: 9, Generation: 1},
		}, want: []string{"STATUS=9 of 9 slots are served by generation 1 READY=1"}},
		"start where some do not come up": {steps: []preforker.Condition{
			{Phase: serves, Slots: 3, Served: 1},
			{Phase: serves, Slots: 3, Served: 1, Waiting: 2},
		}, want: []string{"STATUS=1 of 3 slots are served", "STATUS=1 of 3 slots are served, 2 do not come up READY=1"}},
		"start where none comes up": {steps: []preforker.Condition{
			{Phase: serves, Slots: 2, Waiting: 2},
		}, want: []string{"STATUS=0 of 2 slots are served, 2 do not come up"}},
		"on demand": {steps: []preforker.Condition{
			{Phase: serves, Slots: 4, Served: 1, Parked: 3},
		}, want: []string{"STATUS=1 of 4 slots are served, 3 on demand READY=1"}},
		"restart": {steps: []preforker.Condition{
			{Phase: serves, Slots: 1, Served: 1, Generation: 1},
			{Phase: serves, Slots: 1, Served: 1, Generation: 1, Restarts: 1, Restarting: true, Loading: true},
			{Phase: serves, Slots: 1, Served: 1, Generation: 1, Restarts: 2, Restarting: true, Loading: true}, // replaced
			{Phase: serves, Slots: 1, Served: 1, Generation: 1, Restarts: 2, Restarting: true},
			{Phase: serves, Slots: 1, Served: 1, Generation: 2, Restarts: 2},
		}, want: []string{"STATUS=1 of 1 slots are served by generation 1 READY=1",
			"STATUS=1 of 1 slots are served by generation 1; loading a new one RELOADING=1,MONOTONIC_USEC EXTEND_TIMEOUT_USEC=30000000", "",
			"STATUS=1 of 1 slots are served by generation 1; a new one takes the slots", "STATUS=1 of 1 slots are served by generation 2 READY=1"}},
		"restart that has ended when it is heard of": {steps: []preforker.Condition{
			{Phase: serves, Slots: 1, Served: 1, Generation: 1},
			{Phase: serves, Slots: 1, Served: 1, Generation: 1, Restarts: 1},
		}, want: []string{"STATUS=1 of 1 slots are served by generation 1 READY=1", "RELOADING=1,MONOTONIC_USEC READY=1"}},
		"restart during the start": {steps: []preforker.Condition{
			{Loading: true, Slots: 1, Restarts: 1, Restarting: true},
			{Phase: serves, Slots: 1, Served: 1, Generation: 1, Restarts: 1, Restarting: true, Loading: true},
			{Phase: serves, Slots: 1, Served: 1, Generation: 2, Restarts: 1},
		}, want: []string{"STATUS=loading the application EXTEND_TIMEOUT_USEC=30000000",
			"STATUS=1 of 1 slots are served by generation 1; loading a new one READY=1 RELOADING=1,MONOTONIC_USEC", "STATUS=1 of 1 slots are served by generation 2 READY=1"}},
		"stop": {steps: []preforker.Condition{
			{Phase: serves, Slots: 2, Served: 2, Generation: 1},
			{Phase: core.PhaseStopping, Slots: 2, Leaving: 2, Generation: 1},
			{Phase: core.PhaseStopping, Slots: 2, Leaving: 1, Generation: 1},
		}, want: []string{"STATUS=2 of 2 slots are served by generation 1 READY=1",
			"STATUS=stopping, workers that finish what they do: 2 STOPPING=1,EXTEND_TIMEOUT_USEC=45000000", "STATUS=stopping, workers that finish what they do: 1"}},
		"another launcher in the same process": {steps: []preforker.Condition{
			{Phase: serves, Slots: 1, Served: 1, Generation: 1, Succeeded: true},
			{Phase: core.PhaseStopping, Slots: 1, Leaving: 1, Generation: 1, Succeeded: true},
		}, want: []string{"STATUS=1 of 1 slots are served by generation 1 RELOADING=1,MONOTONIC_USEC", "STATUS=stopping, workers that finish what they do: 1"}},
		"watchdog": {watchdog: true, steps: []preforker.Condition{
			{Phase: serves, Slots: 1, Served: 1, Generation: 1},
			{Phase: serves, Slots: 1, Served: 1, Generation: 1},
		}, want: []string{"STATUS=1 of 1 slots are served by generation 1 WATCHDOG=1 READY=1", "WATCHDOG=1"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := &reporter{watchdog: test.watchdog, drain: 30 * time.Second}
			for i, condition := range test.steps {
				got := strings.Join(r.report(condition, time.Unix(1, 0)), " ")
				got = monotonicTime.ReplaceAllString(strings.ReplaceAll(got, "\n", ","), "MONOTONIC_USEC")
				if got != test.want[i] {
					t.Errorf("step %d:\n got %s\nwant %s", i, got, test.want[i])
				}
			}
		})
	}
}

// TestExtendsWhileItLoads: also where nothing else changes.
func TestExtendsWhileItLoads(t *testing.T) {
	t.Parallel()
	r := &reporter{}
	loading := preforker.Condition{Loading: true, Slots: 1}
	for i, want := range []int{2, 0, 1} {
		if got := r.report(loading, time.Unix(int64(10+2*i), 0)); len(got) != want {
			t.Errorf("step %d: %q", i, got)
		}
	}
}
