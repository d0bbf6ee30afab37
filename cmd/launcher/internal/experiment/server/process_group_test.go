//go:build linux

package server

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"syscall"
	"testing"
	"time"

	"launcher/preforker/proc"
)

// TestGroupSession has an orphan that shows no environment: its session alone tells.
func TestGroupSession(t *testing.T) {
	g := newProcessGroup()
	cmd := exec.Command("sh", "-c", "(env -i sleep 1000 & echo $!) ; sleep 1000")
	cmd.Env = os.Environ()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	first, err := g.start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	var pid int
	if _, err := fmt.Fscan(out, &pid); err != nil {
		t.Error(err)
	}
	// From the execve(2) of env on its environment is empty.
	orphaned := func() bool {
		p, err := proc.ProcessOf(pid)
		return err != nil || p.Parent == os.Getpid() && p.Comm == "sleep"
	}
	for deadline := time.Now().Add(patience); !orphaned() && time.Now().Before(deadline); {
		time.Sleep(endTick)
	}
	members, err := g.members()
	if err != nil || !slices.ContainsFunc(members, func(p proc.Process) bool { return p.Pid == pid }) {
		t.Errorf("the orphan is not known: %v %v", members, err)
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	if err := end(g.members, func(pid int) bool { return pid == first.pid }, 0); err != nil {
		t.Error(err)
	}
	<-first.exited
	childless(t)
}

// TestIdentity signals a process by a pid that it has, and a start that it has not.
func TestIdentity(t *testing.T) {
	cmd := exec.Command("sleep", "1000")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p, err := proc.ProcessOf(cmd.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	id := identityOf(p)
	identity{id.pid, id.start + 1}.signal(syscall.SIGKILL)
	if err := (identity{id.pid, id.start + 1}).await(); err == nil {
		t.Error("another process was awaited")
	}
	if now, same := id.find(); !same || now.Zombie() {
		t.Error("another process was killed")
	}
	id.signal(syscall.SIGKILL)
	if err := id.await(); err == nil || err.Error() != "signal: killed" {
		t.Errorf("it ended by %v", err)
	}
	_ = cmd.Wait() // its status is gone
}
