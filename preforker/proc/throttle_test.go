package proc

import (
	"testing"
	"time"
)

func TestThrottle(t *testing.T) {
	const ms = time.Millisecond
	for _, test := range []struct {
		throttle   Throttle
		cost, want time.Duration
	}{
		{Throttle{Period: 250 * ms, Share: 20}, 0, 250 * ms},
		{Throttle{Period: 250 * ms, Share: 20}, 12 * ms, 250 * ms},
		{Throttle{Period: 250 * ms, Share: 20}, 13 * ms, 260 * ms},
		{Throttle{Share: 10}, 0, 0},
		{Throttle{Share: 10}, 10 * ms, 100 * ms},
		{Throttle{Period: 250 * ms, Share: 20}, -ms, 250 * ms}, // a clock that was set back
	} {
		if got := test.throttle.Rest(test.cost); got != test.want {
			t.Errorf("%+v after %v: %v, want %v", test.throttle, test.cost, got, test.want)
		}
	}
}
