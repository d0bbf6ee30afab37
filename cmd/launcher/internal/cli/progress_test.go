//go:build linux

package cli

import (
	"testing"
	"time"
)

func TestTimeLeftInWords(t *testing.T) {
	t.Parallel()
	for left, want := range map[time.Duration]string{-time.Hour: "a moment left", time.Second: "a moment left",
		20*time.Second + 600*time.Millisecond: "about 21 s left", 90 * time.Second: "about 2 min left", time.Hour: "about 60 min left"} {
		if got := inWords(left); got != want {
			t.Errorf("%v: %q, want %q", left, got, want)
		}
	}
}
