//go:build linux

package experiment

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"
)

// servedBy sorts processes by how many requests they answered, the busiest first.
func servedBy(counts map[int]int) []Served {
	var out []Served
	for _, pid := range slices.Sorted(maps.Keys(counts)) {
		out = append(out, Served{Pid: pid, Requests: counts[pid]})
	}
	slices.SortStableFunc(out, func(a, b Served) int { return cmp.Compare(b.Requests, a.Requests) })
	return out
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}
