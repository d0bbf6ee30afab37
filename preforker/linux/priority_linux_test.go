package linux

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"strings"
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

// TestSessionNiceness: the kernel tells what a session has, where it has autogroups.
func TestSessionNiceness(t *testing.T) {
	cmd := exec.Command("cat")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = in.Close()
		_ = cmd.Wait()
	}()
	for _, niceness := range []int{10, 0} {
		err := SetSessionNiceness(cmd.Process.Pid, niceness)
		for errors.Is(err, syscall.EAGAIN) { // somebody has just set one
			err = SetSessionNiceness(cmd.Process.Pid, niceness)
		}
		if err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/autogroup", cmd.Process.Pid))
		if errors.Is(err, fs.ErrNotExist) {
			continue // this kernel has none
		}
		if want := fmt.Sprintf(" nice %d\n", niceness); err != nil || !strings.HasSuffix(string(text), want) {
			t.Errorf("%q, %v: want %q", text, err, want)
		}
	}
	if err := SetSessionNiceness(1<<30, 10); err != nil {
		t.Errorf("of one that is gone: %v", err)
	}
}
