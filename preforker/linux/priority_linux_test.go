package linux

import (
	"os/exec"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

func TestNiceness(t *testing.T) {
	own, err := Niceness()
	if err != nil || own < -20 || own > 19 {
		t.Fatalf("own: %d, %v", own, err)
	}
	cmd := exec.Command("cat")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	pid := cmd.Process.Pid
	defer func() {
		_ = in.Close()
		_ = cmd.Wait()
	}()
	is := func(want int) {
		t.Helper()
		if priority, err := unix.Getpriority(unix.PRIO_PROCESS, pid); err != nil || 20-priority != want {
			t.Errorf("it is %d, %v, want %d", 20-priority, err, want)
		}
	}
	is(own)
	if err := SetNiceness(pid, 19); err != nil {
		t.Fatal(err)
	}
	is(19)
	if err := SetNiceness(pid, own); (err == nil) != MayLowerNiceness(own) {
		t.Errorf("back: %v, and that it may is %v", err, MayLowerNiceness(own))
	} else if err == nil {
		is(own)
	}
	if err := SetNiceness(1<<30, 19); err == nil {
		t.Error("a group that is not there")
	}
}
