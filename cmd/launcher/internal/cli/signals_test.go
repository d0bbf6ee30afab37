//go:build linux

package cli

import (
	"fmt"
	"os"
	"slices"
	"syscall"
	"testing"
)

func TestSignalsAreNamed(t *testing.T) {
	t.Parallel()
	for sig, want := range map[os.Signal]string{syscall.SIGTERM: "TERM", syscall.SIGINT: "INT", syscall.SIGHUP: "HUP",
		syscall.SIGQUIT: "QUIT", syscall.SIGUSR1: "USR1",
		syscall.SIGUSR2: "USR2", syscall.SIGWINCH: fmt.Sprint(syscall.SIGWINCH)} {
		if got := signalName(sig); got != want {
			t.Errorf("%v is %q, want %q", sig, got, want)
		}
	}
}

// TestPendingSignals: each is handed on once, a stop that was asked for at the control socket among them.
func TestPendingSignals(t *testing.T) {
	t.Parallel()
	signals := make(chan os.Signal, signalsAtOnce)
	for _, sig := range []os.Signal{syscall.SIGHUP, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGTTIN} {
		signals <- sig
	}
	s := &successor{signals: signals, stops: true}
	if got := s.pending(); !slices.Equal(got, []string{"TERM", "HUP", "TTIN"}) {
		t.Error(got)
	}
	if got := (&successor{signals: signals}).pending(); len(got) != 0 {
		t.Errorf("none has come, and %q are handed on", got)
	}
}
