//go:build linux

package cli

import (
	"fmt"
	"os"
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
