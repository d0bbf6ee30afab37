//go:build linux

package run

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"launcher/cmd/launcher/internal/experiment"
)

// servedBy sorts processes by how many requests they answered, the busiest first.
func servedBy(counts map[int]int) []experiment.Served {
	var out []experiment.Served
	for _, pid := range slices.Sorted(maps.Keys(counts)) {
		out = append(out, experiment.Served{Pid: pid, Requests: counts[pid]})
	}
	slices.SortStableFunc(out, func(a, b experiment.Served) int { return cmp.Compare(b.Requests, a.Requests) })
	return out
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}
