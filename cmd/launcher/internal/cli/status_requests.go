//go:build linux

package cli

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"launcher/preforker/control"
)

// requestLines say what requests took so far, how many there were at a time, and what became of their workers.
func requestLines(s control.Status, line func(title, words string)) {
	if r := s.Requests; r.Accepted > 0 {
		words := fmt.Sprintf("%d served, %d failed", r.Served, r.Errors)
		if s.Limits.SlowLog > 0 {
			words += fmt.Sprintf(", %d slow", r.Slow)
		}
		if r.Duration.Count > 0 {
			words += ": " + histogramWords(r.Duration)
		}
		line("requests", words)
		if r.QueueTime.Count > 0 {
			line("  waited", histogramWords(r.QueueTime))
		}
	}
	if w := s.Workers; w.Max > 0 {
		line("workers", fmt.Sprintf("%d of %d ready, busy: %d (max %d), connections that wait: %d (max %d)", w.Ready, w.Max, w.Busy, w.MaxBusy,
			s.Queue.Now, s.Queue.Max))
	}
	if len(s.Restarts) > 0 {
		line("  restarts", reasonWords(s.Restarts))
	}
}

// reasonWords have the most frequent reason first.
func reasonWords(restarts map[string]uint64) string {
	reasons := slices.SortedFunc(maps.Keys(restarts), func(a, b string) int {
		return cmp.Or(cmp.Compare(restarts[b], restarts[a]), cmp.Compare(a, b))
	})
	for i, reason := range reasons {
		reasons[i] = fmt.Sprintf("%d %s", restarts[reason], visible(reason))
	}
	return strings.Join(reasons, ", ")
}

// histogramWords tell the mean, and the bounds that half of all, and 99 of 100, were within.
func histogramWords(h control.Histogram) string {
	words := inShortTime(duration(h.Sum/float64(h.Count))) + " in the mean"
	for _, part := range []struct {
		share float64
		name  string
	}{{0.5, "half"}, {0.99, "99 %"}} {
		words += ", " + part.name + " " + withinWords(h, part.share)
	}
	return words
}

// withinWords tell the bound that so large a part was within.
func withinWords(h control.Histogram, share float64) string {
	wanted, sum := uint64(math.Ceil(share*float64(h.Count))), uint64(0)
	for i, bound := range h.Bounds {
		if i < len(h.Counts) {
			sum += h.Counts[i]
		}
		if sum >= wanted {
			return "within " + inShortTime(duration(bound))
		}
	}
	if len(h.Bounds) == 0 {
		return "in any time"
	}
	return "not within " + inShortTime(duration(h.Bounds[len(h.Bounds)-1]))
}

// inShortTime returns a time in milliseconds where it is below a second.
func inShortTime(d time.Duration) string {
	switch ms := float64(d) / float64(time.Millisecond); {
	case ms >= 1000:
		return inTime(d)
	case ms >= 10 || ms == math.Trunc(ms):
		return fmt.Sprintf("%.0f ms", ms)
	default:
		return fmt.Sprintf("%.1f ms", ms)
	}
}
