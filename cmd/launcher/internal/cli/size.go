//go:build linux

package cli

import (
	"math"
	"strconv"
	"strings"

	"launcher/preforker"
	"launcher/preforker/proc"
)

// maxPrivate reads the memory budget of a worker: a size, auto or off.
func maxPrivate(text string) (preforker.Budget, error) {
	switch strings.ToLower(strings.TrimSpace(text)) {
	case "auto":
		return preforker.Budget{Auto: true}, nil
	case "off":
		return preforker.Budget{}, nil
	}
	bytes, ok := parseSize(text)
	if !ok || bytes < minPrivate {
		return preforker.Budget{}, usageErrorf("--max-private 20MB, auto or off",
			"read --%s: %q is not a size of memory from 1MB on, nor auto, nor off", optMaxPrivate, text)
	}
	return preforker.Budget{Bytes: bytes}, nil
}

// minPrivate is the smallest size that can be meant: no Ruby serves a request with less.
const minPrivate = proc.MB

// parseSize reads 20MB, 20M, 20MiB or 1.5G. MB is 1048576 bytes, as free -m counts. A number alone is
// refused: it may mean bytes or kilobytes.
func parseSize(text string) (uint64, bool) {
	text = strings.ToUpper(strings.TrimSpace(text))
	digits := strings.TrimRight(text, "KMGIB ")
	shift, known := map[string]int{"K": 10, "M": 20, "G": 30}[strings.TrimSuffix(strings.TrimSuffix(strings.TrimSpace(text[len(digits):]), "B"), "I")]
	number, err := strconv.ParseFloat(digits, 64)
	// ParseFloat reads more than decimal numbers: 0x1p3, 1e9, 1_000, inf.
	if err != nil || !known || strings.Trim(digits, "0123456789.") != "" {
		return 0, false
	}
	bytes := number * float64(uint64(1)<<shift)
	if math.IsNaN(bytes) || bytes > 1<<50 {
		return 0, false
	}
	return uint64(bytes), true
}
