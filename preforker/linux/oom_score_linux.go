package linux

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
)

// OOMScore is what this process adds to its share of the memory, in thousandths, where the kernel chooses whom to end because memory is
// short: -1000 (never) to 1000. Its children inherit it.
func OOMScore() (int, error) {
	text, err := os.ReadFile("/proc/self/oom_score_adj")
	if err != nil {
		return 0, err
	}
	score, err := strconv.Atoi(string(bytes.TrimSpace(text)))
	if err != nil {
		return 0, fmt.Errorf("read oom_score_adj: %w", err)
	}
	return score, nil
}
