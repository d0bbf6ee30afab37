package proc

import "time"

// Throttle bounds what reading memory takes from those whose memory it is: the kernel walks the page
// tables of a process for it. Whoever reads again and again rests as long as it says in between.
type Throttle struct {
	Period time.Duration // the least rest
	Share  int           // a rest is at least so many times as long as what was before it
}

// Rest returns how long to wait after work that took a time, of a CPU or of the clock.
func (t Throttle) Rest(cost time.Duration) time.Duration {
	return max(t.Period, time.Duration(t.Share)*cost)
}
