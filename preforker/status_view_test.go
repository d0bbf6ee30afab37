package preforker

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"launcher/preforker/control"
	"launcher/preforker/core"
	"launcher/preforker/ident"
)

var epoch = time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)

// TestStatusHasNoNullLists: who reads the JSON need not look for them.
func TestStatusHasNoNullLists(t *testing.T) {
	c := core.New(1, core.Policy{}, func() float64 { return 0 })
	c.Step(0, core.Started{})
	text, err := json.Marshal(statusOf(c.View(0), epoch, 0))
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{`"workers":[]`, `"queue":null`, `"failed_load":null`, `"promise":null`, `"loaded":null`, `"findings":[]`, `"held":null`, `"refork":null`} {
		if !strings.Contains(string(text), part) {
			t.Errorf("there is no %s in %s", part, text)
		}
	}
}

// TestStatusOfAView has each field of the view once.
func TestStatusOfAView(t *testing.T) {
	key := ident.Key{Slot: 1, Generation: 2, Refork: 1, Serial: 9}
	view := core.View{Phase: core.PhaseRunning,
		Generations: []core.GenerationView{{Generation: 2,
			Loaded: &core.LoadRecord{At: 2 * time.Second, Load: core.Load{Seconds: 1.5, Ruby: "3.1.2", Rails: "6.1", Rack: "2.2",
				Findings: []core.Finding{{Kind: "thread", Text: "boot started a thread", Where: "lib/a.rb:3", Advice: "start it later"}}}},
			Preloaders: []core.PreloaderView{{Origin: ident.Origin{Generation: 2, Refork: 1}, State: core.ReadyPreloader, Since: 3 * time.Second}},
			Held:       &core.HeldView{At: 5 * time.Second, Errors: 4, Deaths: 1},
			Refork:     &core.ReforkView{Refork: 1, Left: 3, NextAt: 8 * time.Second}},
			{Generation: 3, Refork: &core.ReforkView{Gain: 7, From: 9}}},
		FailedLoad: &core.FailedLoad{At: 4 * time.Second, Failure: core.LoadFailure{Generation: 3, Was: core.LoadingPreloader,
			Failed: &core.Failed{Stage: "load", Failure: core.Failure{Class: "NameError", Message: "no such thing", AppFrames: []string{"config.ru:1"}}}}},
		Slots: []core.SlotView{
			{Slot: 0, State: core.WaitingSlot, Deaths: 3, RetryAt: 7 * time.Second},
			{Slot: 1, State: core.OccupiedSlot, Open: true, Workers: []core.WorkerView{{Key: key, Pid: 77, State: core.DrainingWorker,
				Since: 5 * time.Second, Reason: core.ReasonRolled, Served: 6}}},
			{Slot: 4, State: core.FailedSlot, RetryAt: 9 * time.Second, Failed: &core.SlotFailure{Since: 2 * time.Second, Deaths: 10},
				Died: &core.Death{At: 3 * time.Second, Worker: core.WorkerName{Key: key, Pid: 78}, Reason: core.ReasonBootFailed, Exit: ident.ExitStatus{Signal: 11},
					Failed:  &core.Failed{Failure: core.Failure{Class: "KeyError", Message: "no key", AppFrames: []string{"config.ru:2"}, Backtrace: []string{"gem:3"}}},
					Request: "GET /x", Lines: []string{"[BUG]"}}},
			{Slot: 2, State: core.VacantSlot, Open: true, Lent: true}, {Slot: 3, State: core.VacantSlot, Open: true}},
		Failing:     &core.GenerationFailure{Since: time.Second, Failures: 8, RetryAt: 16 * time.Second, Failure: core.LoadFailure{Generation: 7, Was: core.ReadyPreloader, Exit: ident.ExitStatus{Code: 3}}},
		MemoryBound: &core.MemoryBound{Total: 100, Preloader: 60, Workers: 2, Each: 15, Provisional: true, Launcher: 10}}
	at := epoch.Add(2 * time.Second)
	want := control.Status{Version: control.StatusVersion, Time: epoch.Add(6 * time.Second), Started: epoch, State: "running",
		Memory: control.MemoryStatus{Bound: &control.MemoryBound{Total: 100, Preloader: 60, Workers: 2, Each: 15, Provisional: true, Launcher: 10}},
		Generations: []control.GenerationStatus{{Generation: 2, Loaded: &at, LoadTime: 1.5, Ruby: "3.1.2", Rails: "6.1", Rack: "2.2",
			Preloaders: []control.PreloaderStatus{{Refork: 1, State: "ready", Seconds: 3}},
			Findings:   []control.FindingStatus{{Kind: "thread", Text: "boot started a thread", Where: "lib/a.rb:3", Advice: "start it later"}},
			Held:       &control.HeldStatus{Time: epoch.Add(5 * time.Second), Errors: 4, Deaths: 1},
			Refork:     &control.ReforkStatus{State: "paced", Refork: 1, Left: 3, Next: 2}},
			{Generation: 3, Preloaders: []control.PreloaderStatus{}, Findings: []control.FindingStatus{}, Refork: &control.ReforkStatus{State: "put off", Gain: 7, PaysFrom: 9}}},
		FailedLoad: &control.FailedLoad{Generation: 3, Time: epoch.Add(4 * time.Second), Error: "load the application: NameError: no such thing"},
		Failing: &control.GenerationFailure{Generation: 7, Time: epoch.Add(time.Second), Failures: 8, Retry: 10,
			Error: "the preloader has loaded the application and died: exit status 3", Backtrace: []string{}, Lines: []string{}},
		Slots: []control.SlotStatus{
			{Slot: 0, State: "backoff", Deaths: 3, Retry: 1, Workers: []control.WorkerStatus{}},
			{Slot: 1, State: "occupied", Open: true, Workers: []control.WorkerStatus{{Key: key, Generation: 2, Refork: 1, Pid: 77, State: "draining",
				Seconds: 1, Reason: string(core.ReasonRolled), Served: 6}}},
			{Slot: 4, State: "failed", Retry: 3, Workers: []control.WorkerStatus{}, Failed: &control.SlotFailure{Time: epoch.Add(2 * time.Second), Deaths: 10},
				Died: &control.DeathStatus{Time: epoch.Add(3 * time.Second), Generation: 2, Refork: 1, Pid: 78, Reason: "boot failed", Exit: "signal SIGSEGV",
					Error: "KeyError: no key at config.ru:2", Backtrace: []string{"config.ru:2", "gem:3"}, Request: "GET /x", Lines: []string{"[BUG]"}}},
			{Slot: 2, State: "lent", Open: true, Workers: []control.WorkerStatus{}}, {Slot: 3, State: "vacant", Open: true, Workers: []control.WorkerStatus{}}}}
	if got := statusOf(view, epoch, 6*time.Second); !reflect.DeepEqual(got, want) {
		t.Errorf("\n got %+v\nwant %+v", got, want)
	}
}
