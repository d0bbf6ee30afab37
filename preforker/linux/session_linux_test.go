package linux

import (
	"os/exec"
	"syscall"
	"testing"
)

func TestSession(t *testing.T) {
	cmd := exec.Command("sleep", "1000")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	session, err := Session(cmd.Process.Pid)
	if err != nil || session != cmd.Process.Pid {
		t.Errorf("the leader of a session has %d: %v", session, err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // killed
	if _, err := Session(cmd.Process.Pid); err == nil {
		t.Error("a process that is gone has a session")
	}
}
