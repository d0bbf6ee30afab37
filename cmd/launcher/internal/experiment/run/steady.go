package run

import (
	"math"

	"gonum.org/v1/gonum/stat"
)

// A load is steady when the last steadySeconds have nearly the throughput and the memory of as many before.
const (
	steadySeconds    = 10
	steadyThroughput = 0.05
	steadyMemory     = 0.02
	// steadyLimit ends a load that never becomes so.
	steadyLimit = 900 // seconds
)

// steadiness follows a load by the second.
type steadiness struct{ throughput, memory []float64 }

// enough takes one second, and says whether the load is steady or has lasted too long.
func (s *steadiness) enough(responses int, pss uint64) bool {
	s.throughput = append(s.throughput, float64(responses))
	s.memory = append(s.memory, float64(pss))
	return len(s.throughput) >= steadyLimit || near(s.throughput, steadyThroughput) && near(s.memory, steadyMemory)
}

// near says whether the means of the last two stretches differ by no more than a share.
func near(values []float64, share float64) bool {
	last := len(values) - steadySeconds
	if last < steadySeconds {
		return false
	}
	now, before := stat.Mean(values[last:], nil), stat.Mean(values[last-steadySeconds:last], nil)
	return before > 0 && math.Abs(now-before) <= share*before
}
