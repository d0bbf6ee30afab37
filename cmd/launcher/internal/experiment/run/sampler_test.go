//go:build linux

package run

import (
	"slices"
	"testing"

	"launcher/cmd/launcher/internal/experiment"
	"launcher/preforker/proc"
)

func TestPeakIsOfTheLoadAndAfter(t *testing.T) {
	sample := func(phase string, pss uint64) experiment.Sample {
		return experiment.Sample{Phase: phase, Usage: proc.Usage{PSS: pss}}
	}
	samples := []experiment.Sample{sample(experiment.PhaseBefore, 1), sample(experiment.PhaseLaunched, 99), sample(experiment.PhaseLoad, 30), sample(experiment.PhaseLoad, 50), sample(experiment.PhaseAfter, 40)}
	if got := peak(samples); got.PSS != 50 || got.Phase != experiment.PhaseLoad {
		t.Errorf("peak %+v", got)
	}
	samples[4].PSS = 60
	if got := peak(samples); got.PSS != 60 || got.Phase != experiment.PhaseAfter {
		t.Errorf("peak %+v", got)
	}
	if got := peak(nil); got.PSS != 0 {
		t.Errorf("peak of nothing %+v", got)
	}
}

func TestSamplesWithoutProcesses(t *testing.T) {
	samples := []experiment.Sample{{Usage: proc.Usage{PSS: 11}, Each: []experiment.Process{{Pid: 1}, {Pid: 2}}}}
	if out := withoutProcesses(samples); out[0].Each != nil || out[0].PSS != 11 {
		t.Errorf("without processes %+v", out)
	}
	if samples[0].Each == nil {
		t.Error("the original lost its processes")
	}
}

func TestServedBusiestFirst(t *testing.T) {
	got := servedBy(map[int]int{30: 5, 10: 7, 20: 5})
	if want := []experiment.Served{{Pid: 10, Requests: 7}, {Pid: 20, Requests: 5}, {Pid: 30, Requests: 5}}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestShortage(t *testing.T) {
	const mb = 1 << 20
	before := proc.System{Total: 1000 * mb, Available: 600 * mb, SwapTotal: 500 * mb, SwapFree: 500 * mb}
	with := func(change func(*proc.System)) proc.System {
		now := before
		change(&now)
		return now
	}
	for _, c := range []struct {
		name  string
		now   proc.System
		short bool
	}{
		{"nothing changed", before, false},
		{"the reserve is left", with(func(m *proc.System) { m.Available = 64 * mb }), false},
		{"less than the reserve", with(func(m *proc.System) { m.Available = 64*mb - 1 }), true},
		{"a little went to swap", with(func(m *proc.System) { m.SwapFree = 468 * mb }), false},
		{"it swaps", with(func(m *proc.System) { m.SwapFree = 467 * mb }), true},
	} {
		if got := short(before, c.now, 64*mb); (got != nil) != c.short {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}
