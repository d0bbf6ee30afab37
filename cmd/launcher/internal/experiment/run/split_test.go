//go:build linux

package run

import (
	"os"
	"testing"

	"launcher/cmd/launcher/internal/experiment"
)

// TestSplitKnowsTheTemplate by the title that each server gives it.
func TestSplitKnowsTheTemplate(t *testing.T) {
	for method, titles := range map[experiment.Method][]string{
		experiment.Smart:          {"launcher preloader gen=1 /srv", "launcher worker slot=0 gen=1 idle"},
		experiment.Puma:           {"puma 5.6.5 (unix://server.sock) [blog]", "puma: cluster worker 0: 5929 [blog]"},
		experiment.PumaForkWorker: {"puma: cluster worker 0: 5929 [blog]", "puma: cluster worker 1: 5929 [blog]", "puma 5.6.5 (unix://server.sock) [blog]"},
		experiment.Unicorn:        {"unicorn master -c unicorn.rb", "unicorn worker[0] -c unicorn.rb"},
		experiment.Passenger:      {"Passenger AppPreloader: /srv", "Passenger RubyApp: /srv (production)"},
		experiment.Pitchfork:      {"pitchfork (gen:2) mold - ready", "pitchfork monitor - wrapper.ru", "pitchfork (gen:2) worker[0] - requests: 371, waiting", "pitchfork (gen:2) service - ready"},
		experiment.Falcon:         {"falcon", "app (C=0/0 R=0/0 L=0.0)"},
		experiment.Direct:         {"", "launcher worker slot=0 gen=1 idle"},
	} {
		run := &experiment.Run{Method: method}
		for i := len(titles) - 1; i >= 0; i-- {
			run.Last.Each = append(run.Last.Each, experiment.Process{Pid: i + 1, Name: titles[i]})
		}
		want := 1
		if method == experiment.Direct {
			want = 0
		}
		if got := templateOf(run); got != want {
			t.Errorf("%s: %d", method, got)
		}
	}
}

// TestSplitLeavesTheTemplateOut where it serves as well: all that it has is its own.
func TestSplitLeavesTheTemplateOut(t *testing.T) {
	run := &experiment.Run{Method: experiment.PumaForkWorker}
	run.Last.Each = []experiment.Process{{Pid: os.Getpid(), Name: "puma: cluster worker 0: 1"}}
	run.Traffic.Served = []experiment.Served{{Pid: os.Getpid(), Requests: 1}}
	if got := split(run); got != nil {
		t.Errorf("%+v", got)
	}
}
