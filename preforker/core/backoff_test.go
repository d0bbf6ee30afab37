package core

import (
	"testing"
	"time"
)

func TestBackoff(t *testing.T) {
	b := backoff{free: 2, min: 100 * time.Millisecond, max: time.Second}
	for _, test := range []struct {
		failures int
		random   float64
		want     time.Duration
	}{
		{0, 0, 0}, {1, 0, 0}, {2, 0.5, 0},
		{3, 0, 100 * time.Millisecond},
		{4, 0, 200 * time.Millisecond},
		{5, 0.5, 300 * time.Millisecond},
		{6, 0, 800 * time.Millisecond},
		{7, 0, time.Second},
		{7, 0.999, 500500 * time.Microsecond},
		{22, 0, time.Second},
		{23, 0, time.Second},
		{1 << 40, 0, time.Second}, // no shift overflows
	} {
		if got := b.delay(test.failures, test.random); got != test.want {
			t.Errorf("after %d failures, random %v: %v, want %v", test.failures, test.random, got, test.want)
		}
	}
}

// TestBackoffsGrow: those in use start at once, never shrink and never exceed their bound.
func TestBackoffsGrow(t *testing.T) {
	for name, b := range map[string]backoff{"slot": slotBackoff, "load": loadBackoff, "unserved": unservedBackoff} {
		before := time.Duration(0)
		for failures := range 100 {
			wait := b.delay(failures, 0)
			if wait < before || wait > b.max || (failures <= 1) != (wait == 0) {
				t.Errorf("%s: %v after %d failures, %v before", name, wait, failures, before)
			}
			before = wait
		}
		if before != b.max {
			t.Errorf("%s: %v in the end", name, before)
		}
	}
}
