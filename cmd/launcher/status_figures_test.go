//go:build linux

package main

import (
	"maps"
	"slices"
	"syscall"
	"testing"

	"launcher/preforker/control"
)

// adds says whether the parts of what is counted are as much as the whole.
func adds(s control.Status) bool {
	var served uint64
	restarts := map[string]uint64{}
	for _, slot := range s.Slots {
		served += slot.Served
		for reason, n := range slot.Restarts {
			restarts[reason] += n
		}
	}
	r, sum := s.Requests, uint64(0)
	for _, n := range r.Duration.Counts {
		sum += n
	}
	return served == r.Served && sum == r.Duration.Count && r.Duration.Count <= r.Accepted && len(r.Duration.Counts) == len(r.Duration.Bounds)+1 &&
		maps.Equal(restarts, s.Restarts)
}

// TestStatusCounts: what requests took, which failed, and what became of workers, by all that there were.
func TestStatusCounts(t *testing.T) {
	t.Parallel()
	gate, variable := gates(t)
	root := copyApp(t, "hello")
	in := start(t, startOptions{root: root, env: []string{variable},
		args: []string{"2", "--http", "127.0.0.1:0", "--slow-log", "100ms", "--spare", "0", "--refork-after", "never"}})
	url := "http://" + in.waitLine(`workers are ready: http://(\S+)/$`)[1]
	when := func(what string, wanted func(control.Status) bool) control.Status {
		t.Helper()
		s := in.statusWhen(what, wanted)
		if !adds(s) {
			t.Errorf("%s: the parts are not the whole: %+v", what, s)
		}
		return s
	}

	for _, path := range []string{"/", "/204", "/raise"} {
		fetch(client(), "GET", url+path, nil)
	}
	s := when("three requests", func(s control.Status) bool { return s.Requests.Served == 3 })
	r := s.Requests
	if r.Accepted != 3 || r.Errors != 1 || r.Duration.Count != 3 || r.QueueTime.Count != 3 || !(r.Duration.Sum > 0) {
		t.Errorf("%+v", r)
	}
	if want := (control.WorkersStatus{Configured: 2, Min: 2, Max: 2, Ready: 2, MaxBusy: s.Workers.MaxBusy}); s.Workers != want || s.Releases != 1 || s.Restarts["crashed"] > 0 {
		t.Errorf("%+v, releases %d, restarts %v", s.Workers, s.Releases, s.Restarts)
	}

	// A request is in hand, and one waits behind it; then its worker dies.
	first := queue(t, in.socket(0), "/hang?gate=never")
	in.doing(0, "GET /hang")
	second := queue(t, in.socket(0), "/hang?gate=go")
	s = when("a slow request, and one that waits", func(s control.Status) bool { return s.Requests.Slow == 1 && s.Queue.Now == 1 })
	if w := s.Slots[0].Workers[0]; w.Slow != 1 || s.Requests.Accepted != 4 || s.Workers.Busy != 1 || s.Workers.MaxBusy < 1 || s.Workers.MaxBusy > 2 || s.Queue.Max != 1 || s.Slots[0].QueueMax != 1 {
		t.Errorf("%+v", s)
	}
	kill(t, in.worker(0), syscall.SIGKILL)
	openGate(t, gate, "go")
	if a := second.answer(); a.status != 200 || first.answer().err == nil {
		t.Errorf("the request that has waited got %+v", a)
	}
	s = when("the next one to be served", func(s control.Status) bool { return s.Requests.Served == 4 })
	if r = s.Requests; r.Accepted != 5 || r.Errors != 2 || r.Duration.Count != 5 || !(r.Duration.Sum > 0.1) || r.Slow < 1 || s.Restarts["crashed"] != 1 || s.Slots[0].Restarts["crashed"] != 1 {
		t.Errorf("%+v, restarts %v", r, s.Restarts)
	}
	for i, slot := range s.Slots {
		if w := slot.Workers[0]; slot.Served > 0 && (!(w.Last > 0) || w.Longest < w.Last) {
			t.Errorf("slot %d: %+v", i, w)
		}
	}

	// All workers are others, and then there are fewer: nothing that was counted is lost.
	before := s.Requests
	in.signal(syscall.SIGHUP)
	const rolled = "replaced by a newer generation"
	s = when("a restart", func(s control.Status) bool { return s.Releases == 2 && s.Restarts[rolled] == 2 })
	same := func(s control.Status) bool {
		return s.Requests.Served == before.Served && s.Requests.Accepted == before.Accepted && s.Requests.Errors == before.Errors &&
			s.Requests.QueueTime.Count == before.QueueTime.Count && slices.Equal(s.Requests.Duration.Counts, before.Duration.Counts)
	}
	if !same(s) {
		t.Errorf("before the restart %+v, after it %+v", before, s.Requests)
	}
	served := s.Slots[1].Served
	scale(t, root, "1")
	s = in.statusWhen("the slot to be gone", func(s control.Status) bool { return len(s.Slots) == 1 })
	if want := (control.WorkersStatus{Configured: 2, Min: 1, Max: 1, Ready: 1, MaxBusy: s.Workers.MaxBusy}); !same(s) || s.Workers != want || s.Restarts["crashed"] != 1 || s.Restarts[rolled] != 2 {
		t.Errorf("%+v, restarts %v", s, s.Restarts)
	}
	scale(t, root, "2")
	if s = when("the slot again", func(s control.Status) bool { return len(s.Slots) == 2 && s.Workers.Ready == 2 }); s.Slots[1].Served != served || !same(s) {
		t.Errorf("%+v", s)
	}
	in.signal(syscall.SIGTERM)
	in.gone(0)
}
