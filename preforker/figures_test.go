package preforker

import (
	"reflect"
	"testing"
	"time"

	"launcher/preforker/control"
	"launcher/preforker/core"
	"launcher/preforker/ident"
	"launcher/preforker/internal/scoreboard"
)

// counted is what a worker's figures say after some requests of a millisecond.
func counted(requests int, errors uint64) (told scoreboard.Figures) {
	told.Errors = errors
	for range requests {
		told.Durations.Add(time.Millisecond)
	}
	return told
}

// TestWorkOfAWorkerThatHasEnded: a request in hand got no response, unless it had ended before its record said so.
func TestWorkOfAWorkerThatHasEnded(t *testing.T) {
	busy := scoreboard.Entry{State: scoreboard.Busy, Method: "GET", Path: "/a", Requests: 4, Since: 10 * time.Second}
	for name, test := range map[string]struct {
		entry                    scoreboard.Entry
		told                     scoreboard.Figures
		accepted, served, errors uint64
		took                     time.Duration // all requests
	}{
		"idle":            {scoreboard.Entry{State: scoreboard.Idle, Method: "GET", Path: "/a", Requests: 4}, counted(4, 1), 4, 4, 1, 4 * time.Millisecond},
		"never begun":     {scoreboard.Entry{}, scoreboard.Figures{}, 0, 0, 0, 0},
		"in a request":    {busy, counted(4, 1), 5, 4, 2, 2004 * time.Millisecond},
		"after a request": {busy, counted(5, 1), 5, 5, 1, 5 * time.Millisecond},
		"half written":    {scoreboard.Entry{Torn: true}, counted(5, 1), 5, 5, 1, 5 * time.Millisecond},
	} {
		got := workOfEnded(test.entry, test.told, 12*time.Second)
		if got.accepted != test.accepted || got.served != test.served || got.errors != test.errors || got.durations.Sum != test.took ||
			got.durations.Count() != got.accepted {
			t.Errorf("%s: %+v", name, got)
		}
		if alive := workOf(test.entry, test.told); alive.accepted != test.accepted || alive.served != test.entry.Requests || alive.errors != test.told.Errors {
			t.Errorf("%s, alive: %+v", name, alive)
		}
	}
}

// TestFiguresOfSlots: what a worker has done stays when it is gone, with its slot's number.
func TestFiguresOfSlots(t *testing.T) {
	var f figures
	name := func(slot int) core.WorkerName {
		return core.WorkerName{Key: ident.Key{Slot: slot, Generation: 1, Serial: slot + 2}}
	}
	for _, fact := range []core.Fact{
		core.WorkerDied{Worker: name(0), Reason: core.ReasonCrashed},
		core.WorkerDied{Worker: name(0), Reason: core.ReasonCrashed},
		core.WorkerLeft{Worker: name(0), Reason: core.ReasonRolled},
		core.WorkerLost{Worker: name(1), Reason: core.ReasonLost},
		core.WorkerLeft{Worker: name(2), Reason: core.ReasonOverBudget},
		// Nobody takes the place of these.
		core.WorkerLeft{Worker: name(1), Reason: core.ReasonRemoved},
		core.WorkerLeft{Worker: name(1), Reason: core.ReasonIdle},
		core.WorkerLeft{Worker: name(1), Reason: core.ReasonStopping},
		core.WorkerDied{Worker: name(ident.NoSlot), Reason: core.ReasonCrashed},
		core.RequestSlow{Worker: name(0)},
		core.PreloaderReforked{}, core.PreloaderReforked{}, core.ReforkGivenUp{}, core.ReforkCompleted{}, core.LoadFailed{}, core.LoadFailed{},
	} {
		f.note(fact)
	}
	for slot, requests := range []uint64{5, 6, 7} {
		f.workerEnded(name(slot).Key, &work{accepted: requests + 1, served: requests, errors: 1})
	}
	f.workerEnded(name(ident.NoSlot).Key, &work{})
	status := control.Status{Slots: []control.SlotStatus{{Slot: 0, Served: 100}, {Slot: 1}, {Slot: 3}}} // slot 2 was removed
	f.addTo(&status, &work{accepted: 11, served: 10, queueTimes: scoreboard.Histogram{Sum: time.Second}})
	want := []control.SlotStatus{
		{Slot: 0, Served: 105, Restarts: map[string]uint64{"crashed": 2, string(core.ReasonRolled): 1}},
		{Slot: 1, Served: 6, Restarts: map[string]uint64{string(core.ReasonLost): 1}},
		{Slot: 3, Restarts: map[string]uint64{}}}
	if !reflect.DeepEqual(status.Slots, want) {
		t.Errorf("\n got %+v\nwant %+v", status.Slots, want)
	}
	all := map[string]uint64{"crashed": 2, string(core.ReasonRolled): 1, string(core.ReasonLost): 1, string(core.ReasonOverBudget): 1}
	if !reflect.DeepEqual(status.Restarts, all) || status.Reforks != 1 || status.FailedLoads != 2 || status.Requests.Slow != 1 {
		t.Errorf("%+v", status)
	}
	r := status.Requests
	if r.Accepted != 11+5+1+6+1+7+1 || r.Served != 28 || r.Errors != 3 || r.QueueTime.Sum != 1 || len(r.Duration.Bounds)+1 != len(r.Duration.Counts) {
		t.Errorf("%+v", r)
	}
}

func TestPeaks(t *testing.T) {
	var p peaks
	p.noteBusy(3)
	p.noteBusy(1)
	p.noteQueues([]uint64{70, 0, 72}, map[uint64]int{70: 4, 72: 1, 0: 9, 99: 50}, 1)
	p.noteQueues([]uint64{70, 71, 72}, map[uint64]int{71: 2, 72: 2}, 0)
	p.noteQueues(nil, nil, 3)
	status := control.Status{Slots: []control.SlotStatus{{Slot: 0}, {Slot: 1}, {Slot: 2}, {Slot: 3}}}
	p.addTo(&status)
	var queues []int
	for _, slot := range status.Slots {
		queues = append(queues, slot.QueueMax)
	}
	if status.Workers.MaxBusy != 3 || status.Queue.Max != 6 || !reflect.DeepEqual(queues, []int{4, 2, 2, 0}) {
		t.Errorf("%+v, %v", status, queues)
	}
}
