package preforker

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"launcher/preforker/control"
	"launcher/preforker/core"
	"launcher/preforker/hint"
	"launcher/preforker/ident"
)

// TestFollowerThatDoesNotKeepUp is told so: the restart goes on, and the launcher does not end.
func TestFollowerThatDoesNotKeepUp(t *testing.T) {
	s := &Supervisor{notices: make(chan notice, 2), done: make(chan struct{}), followers: map[*follower]bool{}}
	reading, blocked := make(chan struct{}), make(chan struct{})
	ended := make(chan error, 1)
	go func() {
		_, err := s.restart(t.Context(), control.RestartRequest{}, func(any) {
			select {
			case <-reading:
			default:
				close(reading)
				<-blocked // as a client that does not read
			}
		})
		ended <- err
	}()
	s.followers[(<-s.notices).(followerCame).by] = true
	s.tellFollowers(core.RestartBegan{Number: 1, Generation: 2, Slots: 1})
	s.tellFollowers(core.LoadBegan{Generation: 2})
	<-reading
	for range followerFacts + 1 {
		s.tellFollowers(core.StopBegan{})
	}
	if len(s.followers) != 0 {
		t.Error("it still follows")
	}
	close(blocked)
	if err := <-ended; err == nil || errors.Is(err, control.ErrEnding) || !strings.Contains(err.Error(), "goes on") {
		t.Errorf("%v", err)
	}
}

// verbOf has a verb run on facts that come as the loop would tell them, once it follows with an event.
func verbOf(t *testing.T, s *Supervisor, verb func(tell func(any)) (any, error)) (told chan any, ended chan error, event core.Event) {
	t.Helper()
	told, ended = make(chan any, 100), make(chan error, 1)
	go func() {
		_, err := verb(func(progress any) { told <- progress })
		ended <- err
	}()
	came := (<-s.notices).(followerCame)
	s.followers[came.by] = true
	return told, ended, came.event
}

// TestKillVerb waits for the end of the worker that it names, and of its successor's start, and for nobody else's.
func TestKillVerb(t *testing.T) {
	s := &Supervisor{notices: make(chan notice, 8), done: make(chan struct{}), followers: map[*follower]bool{}}
	slot := 1
	key := ident.Key{Slot: 1, Generation: 1, Serial: 1}
	name := func(slot, serial int) core.WorkerName {
		return core.WorkerName{Key: ident.Key{Slot: slot, Generation: 1, Serial: serial}, Pid: 70 + serial}
	}
	told, ended, event := verbOf(t, s, func(tell func(any)) (any, error) {
		return s.kill(t.Context(), control.KillRequest{Slot: &slot}, tell)
	})
	if asked := event.(core.KillAsked); asked.Slot != 1 || asked.Now {
		t.Errorf("%+v", asked)
	}
	for _, fact := range []core.Fact{core.KillBegan{Worker: core.WorkerName{Key: key, Pid: 71}, Request: "GET /slow"},
		core.KillFollowed{Slot: 1, Next: core.NextComes, Worker: name(1, 3)},
		core.WorkerServes{Worker: name(0, 2)}, core.WorkerLeft{Worker: name(0, 9)}, core.WorkerServes{Worker: name(1, 3)},
		core.WorkerLeft{Worker: core.WorkerName{Key: key, Pid: 71}, Request: "GET /slow"}} {
		s.tellFollowers(fact)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	var steps []string
	for len(told) > 0 {
		steps = append(steps, (<-told).(control.KillProgress).Step)
	}
	if got := strings.Join(steps, " "); got != "begins serves left" {
		t.Error(got)
	}
}

// TestKillVerbEnds also where nobody follows the worker, or its successor dies, or there is none to end.
func TestKillVerbEnds(t *testing.T) {
	slot := 1
	worker := core.WorkerName{Key: ident.Key{Slot: 1, Generation: 1, Serial: 1}, Pid: 71}
	successor := core.WorkerName{Key: ident.Key{Slot: 1, Generation: 1, Serial: 2}, Pid: 72}
	began := core.KillBegan{Worker: worker, Now: true}
	for want, facts := range map[string][]core.Fact{
		"begins left next":      {began, core.KillFollowed{Slot: 1, Next: core.NextParked}, core.WorkerDied{Worker: worker}},
		"begins left next ":     {began, core.KillFollowed{Slot: 1, Next: core.NextComes, Worker: successor}, core.WorkerLeft{Worker: worker}, core.WorkerDied{Worker: successor}},
		"begins left":           {began, core.KillFollowed{Slot: 1, Next: core.NextServes, Worker: successor}, core.WorkerLeft{Worker: worker}},
		"begins left ":          {began, core.KillFollowed{Slot: 1, Next: core.NextComes, Worker: successor}, core.WorkerLeft{Worker: worker}, core.ScaleBegan{From: 2, To: 1}},
		"leaves left":           {core.KillNoted{Worker: worker}, core.KillFollowed{Slot: 1, Next: core.NextServes, Worker: successor}, core.WorkerLeft{Worker: worker}},
		"!there are the slots":  {core.KillRefused{Why: core.NoSuchSlot, Slots: 2}},
		"!there is slot 0 only": {core.KillRefused{Why: core.NoSuchSlot, Slots: 1}},
		"!it is parked":         {core.KillRefused{Why: core.SlotIsParked, Slots: 2}},
	} {
		s := &Supervisor{notices: make(chan notice, 8), done: make(chan struct{}), followers: map[*follower]bool{}}
		told, ended, _ := verbOf(t, s, func(tell func(any)) (any, error) {
			return s.kill(t.Context(), control.KillRequest{Slot: &slot}, tell)
		})
		for _, fact := range facts {
			s.tellFollowers(fact)
		}
		err := <-ended
		var steps []string
		for len(told) > 0 {
			steps = append(steps, (<-told).(control.KillProgress).Step)
		}
		if refused, is := strings.CutPrefix(want, "!"); is {
			if err == nil || !strings.Contains(err.Error(), strings.TrimSuffix(refused, " only")) || hint.Of(err) == "" {
				t.Errorf("%v, want %q", err, refused)
			}
		} else if got := strings.Join(steps, " "); err != nil || got != strings.TrimSpace(want) {
			t.Errorf("%v, %q, want %q", err, got, want)
		}
	}
	if _, err := (&Supervisor{}).kill(t.Context(), control.KillRequest{}, nil); err == nil || !strings.Contains(hint.Of(err), `{"slot": 0}`) {
		t.Errorf("%v", err)
	}
}

// TestStopVerb tells who has left, and ends with the loop, also where it is under way already.
func TestStopVerb(t *testing.T) {
	s := &Supervisor{notices: make(chan notice, 8), done: make(chan struct{}), followers: map[*follower]bool{}}
	told, ended, event := verbOf(t, s, func(tell func(any)) (any, error) { return s.stop(t.Context(), control.StopRequest{}, tell) })
	if asked := (<-s.notices).(core.StopAsked); event != nil || asked.Now || asked.By != "launcher stop" {
		t.Errorf("%+v, %+v", event, asked)
	}
	worker := core.WorkerName{Key: ident.Key{Slot: 1, Generation: 1, Serial: 1}, Pid: 71}
	for _, fact := range []core.Fact{core.WorkerLeft{Worker: worker}, core.StopNoted{Workers: 2}, core.SuccessorDismissed{Workers: 2}, core.WorkerLeft{Worker: worker},
		core.KillingAll{By: "TERM", Workers: 1}, core.WorkerDied{Worker: worker, Request: "GET /"}} {
		s.tellFollowers(fact)
	}
	close(s.done)
	if err := <-ended; err != nil {
		t.Error(err)
	}
	var steps []string
	for len(told) > 0 {
		p := (<-told).(control.StopProgress)
		steps = append(steps, fmt.Sprint(p.Step, p.Workers))
	}
	if got := strings.Join(steps, " "); got != "begins2 begins2 left1 kills1 left0" {
		t.Error(got)
	}
}
