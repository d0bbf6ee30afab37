//go:build linux

package run

import (
	"context"
	"fmt"
	"time"

	"launcher/preforker/proc"
)

// shortage is the error that the machine runs out of memory. The run ends before it
// swaps: its measurements after that would say nothing, and the machine has other users.
type shortage struct{ text string }

func (e *shortage) Error() string { return e.text }

const (
	guardPeriod = 100 * time.Millisecond
	// swapGrowth is how much other processes may swap meanwhile.
	swapGrowth = 32 * proc.MB

	minReserve   = 64 * proc.MB
	reserveShare = 20 // one part in so many
)

// DefaultReserve returns the memory that stays available where the user does not say: a twentieth of the
// machine's, at least 64 MB.
func DefaultReserve() (uint64, error) {
	m, err := proc.Machine()
	return max(minReserve, m.Total/reserveShare), err
}

// short returns what is wrong with a machine's memory, compared with how it was before the
// run; nil where there is enough.
func short(before, now proc.System, reserve uint64) *shortage {
	switch {
	case now.Available < reserve:
		return &shortage{fmt.Sprintf("the machine ran short of memory: %d MB were still available, and %d MB are to be left (--reserve)",
			now.Available/proc.MB, reserve/proc.MB)}
	case now.SwapUsed() > before.SwapUsed()+swapGrowth:
		return &shortage{fmt.Sprintf("the machine began to swap: %d MB more than before the run",
			(now.SwapUsed()-before.SwapUsed())/proc.MB)}
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
