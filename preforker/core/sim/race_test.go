//go:build race

package sim

// usualHistories are few, as the race detector makes each ten times as slow, and there is nothing to race.
const usualHistories = 1000
