//go:build linux

package run

import (
	"context"
	"fmt"
	"time"

	"launcher/preforker/proc"
)

// shortage is the machine running out of memory. The run is given up before it
// swaps: what it measured after that would say nothing, and others live here too.
type shortage struct{ text string }

func (e *shortage) Error() string { return e.text }

const (
	guardPeriod = 100 * time.Millisecond
	// swapGrowth is how much may go to swap meanwhile, by whatever else runs.
	swapGrowth = 32 << 20

	leastReserve = 64 << 20
	reserveShare = 20 // one part in so many
)

// DefaultReserve is what stays available where the user does not say: a twentieth of the
// machine's memory, at least 64 MB.
func DefaultReserve() (uint64, error) {
	m, err := proc.Machine()
	return max(leastReserve, m.Total/reserveShare), err
}

// short says what is wrong with a machine's memory, compared with how it was before the
// run; nil where there is enough.
func short(before, now proc.System, reserve uint64) *shortage {
	switch {
	case now.Available < reserve:
		return &shortage{fmt.Sprintf("the machine ran short of memory: %d MB were still available, and %d MB are to be left (--reserve)",
			now.Available>>20, reserve>>20)}
	case now.SwapUsed() > before.SwapUsed()+swapGrowth:
		return &shortage{fmt.Sprintf("the machine began to swap: %d MB more than before the run",
			(now.SwapUsed()-before.SwapUsed())>>20)}
	}
	return nil
}

// guard cancels when memory runs short, and returns when the context ends.
func guard(ctx context.Context, cancel context.CancelCauseFunc, before proc.System, reserve uint64) {
	ticker := time.NewTicker(guardPeriod)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		now, err := proc.Machine()
		if err != nil {
			cancel(fmt.Errorf("watch the machine's memory: %w", err))
			return
		}
		if wrong := short(before, now, reserve); wrong != nil {
			cancel(wrong)
			return
		}
	}
}
