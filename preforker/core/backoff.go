package core

import "time"

// backoff spreads retries: nothing for the first failure, then a delay that
// doubles from min up to max. Jitter shortens it by up to a half, so that
// slots that failed together do not come back together.
type backoff struct {
	free     int // failures in a row that cost no wait
	min, max time.Duration
}

// A worker's early death: the first is taken for an accident.
var slotBackoff = backoff{free: 1, min: 100 * time.Millisecond, max: 30 * time.Second}

// A preloader's: loading takes seconds of a whole core, so it is tried less often.
var loadBackoff = backoff{free: 1, min: time.Second, max: time.Minute}

// The same where no worker serves any slot: the site is down, though what kept the application from
// loading may be gone.
var unservedBackoff = backoff{free: 1, min: time.Second, max: 5 * time.Second}

// delay is how long to wait after so many failures in a row. Random is from [0, 1).
func (b backoff) delay(failures int, random float64) time.Duration {
	if failures <= b.free {
		return 0
	}
	wait := b.max
	// Beyond 20 doublings the shift would overflow; the cap was reached long before.
	if doublings := failures - b.free - 1; doublings < 20 {
		wait = min(b.min<<doublings, b.max)
	}
	return wait - time.Duration(random*float64(wait)/2)
}
