//go:build linux

package proc

import (
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"
)

// TestThreadsOfAStoppedProcess: what the kernel tells is there whatever the process does.
func TestThreadsOfAStoppedProcess(t *testing.T) {
	t.Parallel()
	sleeper := exec.Command("sleep", "600")
	if err := sleeper.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = sleeper.Process.Kill()
		_ = sleeper.Wait()
	}()
	if err := sleeper.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		threads := Threads(sleeper.Process.Pid)
		if len(threads) == 1 && threads[0].ID == sleeper.Process.Pid && threads[0].Name == "sleep" && StateWords(threads[0].State) == "stopped by a signal" {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%+v", threads)
		}
	}
}

// TestThreadsOfThisProcess: Go has several.
func TestThreadsOfThisProcess(t *testing.T) {
	t.Parallel()
	threads := Threads(os.Getpid())
	if len(threads) < 2 || threads[0].ID != os.Getpid() {
		t.Errorf("%+v", threads)
	}
	if found := Threads(1 << 30); found != nil {
		t.Errorf("%+v", found)
	}
}
