//go:build linux

package cli

import (
	"fmt"
	"strings"

	"launcher/preforker/control"
)

// limitsWords are the limits that there are, by the names of their options.
func limitsWords(l control.LimitsStatus) string {
	var words []string
	for _, limit := range []struct {
		is   bool
		text string
	}{
		{l.RequestTimeout > 0, optRequestTimeout + " " + duration(l.RequestTimeout).String()},
		{l.SlowLog > 0, optSlowLog + " " + duration(l.SlowLog).String()},
		{l.Memory > 0, optMemoryLimit + " " + inMB(l.Memory) + " MB"},
		{l.MaxRequests > 0, fmt.Sprintf("%s %d", optMaxRequests, l.MaxRequests)},
		{l.MaxAge > 0, optMaxAge + " " + duration(l.MaxAge).String()},
		{l.DrainTimeout > 0, optDrainTimeout + " " + duration(l.DrainTimeout).String()},
	} {
		if limit.is {
			words = append(words, limit.text)
		}
	}
	return strings.Join(words, ", ")
}
