package core

import (
	"slices"
	"testing"

	"launcher/preforker/ident"
)

// succeeded is a core of two slots that stops for another launcher. Slot 1's worker has left.
func succeeded(t *testing.T, stop Event) *script {
	t.Helper()
	s := running(t, 2)
	s.event(SuccessorComes{})
	s.event(stop)
	s.dies(s.first(1), 0)
	return s
}

// first is the oldest worker of a slot, whether or not it leaves.
func (s *script) first(slot int) ident.Key { return s.core.slots[slot].workers[0].key }

// TestStopInTheMiddleOfASuccession is one like any other: nobody new connects, who is left serves what waits, and where nobody is
// left that is refused. No worker is killed for it.
func TestStopInTheMiddleOfASuccession(t *testing.T) {
	for _, again := range []Event{StopAsked{By: "TERM"}, FrontStopAsked{By: "TERM"}} {
		s := succeeded(t, StopAsked{By: "USR2"})
		actions := s.event(again)
		if len(find[HideSockets](actions)) != 1 || len(find[KillWorker](actions)) != 0 {
			t.Errorf("%+v", actions)
		}
		if served := find[ServeBacklog](actions); len(served) != 1 || served[0].Key != s.first(0) {
			t.Errorf("who is to serve what waits: %+v", served)
		}
		if closed := find[CloseSlot](actions); len(closed) != 1 || closed[0].Slot != 1 {
			t.Errorf("what is closed: %+v", closed)
		}
		if told := find[SuccessorDismissed](actions); len(told) != 1 || told[0].By != "TERM" || told[0].Workers != 1 || s.core.Condition().Succeeded {
			t.Errorf("%+v", told)
		}
		if noted := s.event(StopAsked{By: "TERM"}); len(noted) != 1 || len(find[StopNoted](noted)) != 1 {
			t.Errorf("a further stop: %+v", noted)
		}
		s.dies(s.first(0), 0)
		if done := find[Finish](s.event(PreloaderExited{Origin: gen(1)})); len(done) != 1 {
			t.Errorf("%+v", done)
		}
	}
}

// TestStopInTheMiddleOfASuccessionOfSeeds: what waits at the sockets that they were lent they serve before they leave. Where the last of
// them is gone it is refused.
func TestStopInTheMiddleOfASuccessionOfSeeds(t *testing.T) {
	s := seeded(t, 4)
	s.event(SuccessorComes{})
	s.event(StopAsked{By: "USR2"})
	s.dies(s.first(0), 0)
	actions := s.event(StopAsked{By: "TERM"})
	if served := find[ServeBacklog](actions); len(served) != 1 || served[0].Key != s.first(1) {
		t.Errorf("who is to serve what waits: %+v", served)
	}
	if closed := find[CloseSlot](actions); len(closed) != 1 || closed[0].Slot != 0 {
		t.Errorf("what is closed: %+v, want the slot of the seed that has left", closed)
	}
}

// TestKillInTheMiddleOfASuccession: no other launcher follows either.
func TestKillInTheMiddleOfASuccession(t *testing.T) {
	s := succeeded(t, StopAsked{By: "USR2"})
	actions := s.event(StopAsked{By: "launcher stop --now", Now: true})
	if len(find[HideSockets](actions)) != 1 || len(find[KillWorker](actions)) != 1 || s.core.Condition().Succeeded {
		t.Errorf("%+v", actions)
	}
}

// TestStopInTheMiddleOfASuccessionOfTheFront: its requests are finished first, and their workers serve on.
func TestStopInTheMiddleOfASuccessionOfTheFront(t *testing.T) {
	s := succeeded(t, FrontStopAsked{By: "USR2"})
	actions := s.event(FrontStopAsked{By: "TERM"})
	if len(find[HideSockets](actions))+len(find[ServeBacklog](actions)) != 0 {
		t.Errorf("%+v", actions)
	}
	if closed := find[CloseSlot](actions); len(closed) != 1 || closed[0].Slot != 1 {
		t.Errorf("what is closed: %+v", closed)
	}
	actions = s.event(FrontStopped{})
	if drained := find[DrainWorker](actions); len(find[HideSockets](actions)) != 1 || len(drained) != 1 || !drained[0].Backlog {
		t.Errorf("%+v", actions)
	}
}

// TestStopInTheMiddleOfASuccessionOfKeptSockets leaves what waits there to the launcher that comes some time.
func TestStopInTheMiddleOfASuccessionOfKeptSockets(t *testing.T) {
	s := succeeded(t, StopAsked{By: "USR2"})
	s.core.policy.KeepsSockets = true
	actions := s.event(StopAsked{By: "TERM"})
	if len(find[SuccessorDismissed](actions)) != 1 || len(find[HideSockets](actions))+len(find[ServeBacklog](actions))+len(find[CloseSlot](actions)) != 0 {
		t.Errorf("%+v", actions)
	}
}

// TestRestartInTheMiddleOfASuccession says that it is what the next launcher does.
func TestRestartInTheMiddleOfASuccession(t *testing.T) {
	s := succeeded(t, StopAsked{By: "USR2"})
	if told := find[RestartIgnored](s.event(RestartAsked{"HUP"})); len(told) != 1 || !told[0].Succeeded {
		t.Errorf("%+v", told)
	}
	s.event(StopAsked{By: "TERM"})
	if told := find[RestartIgnored](s.event(RestartAsked{"HUP"})); !slices.Equal(told, []RestartIgnored{{By: "HUP"}}) {
		t.Errorf("%+v", told)
	}
}
