//go:build linux

package run

import (
	"context"
	"errors"
	"os"
	"slices"
	"sync/atomic"
	"time"

	"launcher/cmd/launcher/internal/experiment"
	"launcher/preforker/proc"
)

// sampler reads the memory of all descendants of this process, but for some.
type sampler struct {
	began   time.Time
	except  []int // processes that do not belong to the method: the web server in front
	samples []experiment.Sample
	pss     atomic.Uint64 // of the last sample
}

// take reads a sample and keeps it.
func (s *sampler) take(phase string) (experiment.Sample, error) {
	machine, err := proc.Machine()
	if err != nil {
		return experiment.Sample{}, err
	}
	table, err := proc.Processes()
	if err != nil {
		return experiment.Sample{}, err
	}
	sample := experiment.Sample{Seconds: time.Since(s.began).Seconds(), Phase: phase,
		FreeUsed: machine.Used(), FreeUsedLess: machine.UsedLess(), SwapUsed: machine.SwapUsed()}
	for _, p := range table.Descendants(os.Getpid(), s.except...) {
		usage, err := proc.Of(p.Pid)
		if errors.Is(err, proc.ErrGone) {
			continue // it ended meanwhile
		}
		if err != nil {
			return experiment.Sample{}, err
		}
		sample.Add(experiment.Process{Pid: p.Pid, Parent: p.Parent, Name: proc.Title(p.Pid), Usage: usage})
	}
	s.samples = append(s.samples, sample)
	s.pss.Store(sample.PSS)
	return sample, nil
}

// through samples until the context ends: each 250 ms, and with no more than one part in 20 of the
// time of one CPU.
func (s *sampler) through(ctx context.Context) error {
	throttle := proc.Throttle{Period: 250 * time.Millisecond, Share: 20}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		}
		began := time.Now()
		if _, err := s.take(experiment.PhaseLoad); err != nil {
			return err
		}
		timer.Reset(throttle.Rest(time.Since(began)))
	}
}

// peak returns the sample of the greatest PSS of the load and after it.
func peak(samples []experiment.Sample) experiment.Sample {
	var greatest experiment.Sample
	for _, s := range samples {
		if (s.Phase == experiment.PhaseLoad || s.Phase == experiment.PhaseAfter) && s.PSS >= greatest.PSS {
			greatest = s
		}
	}
	return greatest
}

// withoutProcesses returns samples without their processes: Run names those of four of them.
func withoutProcesses(samples []experiment.Sample) []experiment.Sample {
	out := slices.Clone(samples)
	for i := range out {
		out[i].Each = nil
	}
	return out
}
