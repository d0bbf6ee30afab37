package linux

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

func TestFollowChild(t *testing.T) {
	for _, test := range []struct {
		script string
		signal syscall.Signal
		want   string
	}{
		{"exit 3", 0, "exit status 3"},
		{"kill -SEGV $$", 0, "signal SIGSEGV"},
		{"read x", syscall.SIGKILL, "signal SIGKILL"},
	} {
		cmd := exec.Command("sh", "-c", "echo up; "+test.script)
		in, _ := cmd.StdinPipe()
		out, _ := cmd.StdoutPipe()
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		child, err := FollowChild(cmd.Process.Pid)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(out, make([]byte, 3)); err != nil {
			t.Fatal(err)
		}
		if test.signal != 0 {
			if err := child.Signal(test.signal); err != nil {
				t.Fatal(err)
			}
		}
		status, err := wait(child)
		if got := strings.TrimSuffix(status.String(), " (core dumped)"); got != test.want || err != nil {
			t.Errorf("%s: %q, %v; want %q", test.script, got, err, test.want)
		}
		if err := child.Signal(syscall.SIGTERM); err != nil {
			t.Errorf("signal after the end: %v", err)
		}
		in.Close()
		_ = cmd.Process.Release()
	}
}

func TestReapOrphansLeavesTheKnown(t *testing.T) {
	if err := BecomeSubreaper(); err != nil {
		t.Fatal(err)
	}
	// A shell starts a grandchild, tells its pid and ends: the grandchild comes
	// here as an orphan and ends when its input does.
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("sh", "-c", "exec 3<&0; (read x <&3; exit 7) >&- 2>&- & echo $!")
	cmd.Stdin = read
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	read.Close()
	orphan := atoi(t, strings.TrimSpace(string(out)))

	child, err := FollowChild(orphan)
	if err != nil {
		t.Fatal(err)
	}
	known := func(pid int) bool { return pid == orphan }
	write.Close()
	waitForZombie(t, orphan)
	if reaped := ReapOrphans(known); len(reaped) != 0 {
		t.Fatalf("stole %v", reaped)
	}
	if status, err := wait(child); err != nil || status.Code != 7 {
		t.Errorf("Wait = %v, %v; want exit status 7", status, err)
	}

	ended := exec.Command("true")
	if err := ended.Start(); err != nil {
		t.Fatal(err)
	}
	waitForZombie(t, ended.Process.Pid)
	if reaped := ReapOrphans(func(int) bool { return false }); len(reaped) != 1 || reaped[0] != ended.Process.Pid {
		t.Errorf("reaped %v, want [%d]", reaped, ended.Process.Pid)
	}
	_ = ended.Process.Release()
}

// TestWaitForAGrandchild waits for a process whose parent is still there and does not
// reap it: it becomes a child of the test when the one in between leaves.
func TestWaitForAGrandchild(t *testing.T) {
	if err := BecomeSubreaper(); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("ruby", "--disable-gems", "-e", "$stdout.sync = true; puts fork { exit!(7) }; $stdin.read")
	in, _ := cmd.StdinPipe()
	out, _ := cmd.StdoutPipe()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line := make([]byte, 16)
	n, err := out.Read(line)
	if err != nil {
		t.Fatal(err)
	}
	child, err := FollowChild(atoi(t, strings.TrimSpace(string(line[:n]))))
	if err != nil {
		t.Fatal(err)
	}
	waited := make(chan error)
	go func() {
		status, err := wait(child)
		if err == nil && status.Code != 7 {
			err = errors.New(status.String())
		}
		waited <- err
	}()
	in.Close()
	if err := <-waited; err != nil {
		t.Error(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}
