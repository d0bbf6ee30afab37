package linux

import (
	"os/exec"
	"syscall"
	"testing"
	"time"
)

func TestFollowProcess(t *testing.T) {
	cmd := exec.Command("sleep", "1000")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	process, err := FollowProcess(cmd.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	defer process.Close()
	if err := process.Deadline(time.Now()); err != nil {
		t.Error(err)
	}
	if process.AwaitEnd() {
		t.Error("it has not ended")
	}
	if err := process.Deadline(time.Time{}); err != nil {
		t.Error(err)
	}
	if err := process.Signal(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
	if !process.AwaitEnd() {
		t.Error("it has ended, and nobody has reaped it yet")
	}
	_ = cmd.Wait()
	if err := process.Signal(syscall.SIGTERM); err != nil {
		t.Errorf("to one that is gone: %v", err)
	}
	if _, err := FollowProcess(cmd.Process.Pid); err == nil {
		t.Error("there is no such process any more")
	}
}
