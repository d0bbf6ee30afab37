package linux

import (
	"strconv"
	"testing"

	"launcher/preforker/ident"

	"golang.org/x/sys/unix"
)

func atoi(t *testing.T, text string) int {
	t.Helper()
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// waitForZombie blocks until a child has ended, and leaves it to be reaped.
func waitForZombie(t *testing.T, pid int) {
	t.Helper()
	if err := unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil); err != nil {
		t.Fatalf("wait for %d: %v", pid, err)
	}
}

func wait(child *Child) (ident.ExitStatus, error) {
	if err := child.Await(); err != nil {
		return ident.ExitStatus{}, err
	}
	return child.Reap()
}
