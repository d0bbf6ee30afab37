package linux

import (
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"launcher/preforker/ident"
)

// TestSignalNamesAreTheKernels: the table that builds anywhere agrees with the system's own.
func TestSignalNamesAreTheKernels(t *testing.T) {
	for number := 1; number <= 64; number++ {
		want := unix.SignalName(syscall.Signal(number))
		if got := ident.Signal(number).String(); want != "" && got != want {
			t.Errorf("signal %d is %s, want %s", number, got, want)
		}
	}
}
