//go:build linux

package server

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"launcher/cmd/launcher/internal/experiment"
	"launcher/preforker/proc"
)

// TestExited kills the first process of a server, and has the others, which have lost it,
// ended too.
func TestExited(t *testing.T) {
	root := copyApp(t, "hello")
	for _, method := range installed(t) {
		t.Run(string(method), func(t *testing.T) {
			s := up(t, newSpec(t, method, root, 2))
			if err := syscall.Kill(s.leader.pid, syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			if err := exited(t, s); err == nil {
				t.Error("no error tells how it ended")
			}
			if err := s.Stop(patience); err != nil {
				t.Error(err)
			}
			alone(t, s)
			childless(t)
		})
	}
}

// TestStopDetached has an application start a daemon: away from its parent, in a session of its
// own, in other words as far as a process can get.
func TestStopDetached(t *testing.T) {
	dir := shortDir(t)
	root := filepath.Join(dir, "app")
	daemon := filepath.Join(dir, "daemon.pid")
	if err := os.Mkdir(root, 0o755); err != nil {
		t.Fatal(err)
	}
	code := fmt.Sprintf(`unless File.exist?(%[1]q)
  Process.wait(fork {
    Process.setsid
    fork { trap(:TERM, "IGNORE"); trap(:HUP, "IGNORE"); File.write(%[1]q, Process.pid); sleep }
    exit!(0)
  })
  sleep 0.01 until File.size?(%[1]q)
end
run ->(_env) { [200, { "content-type" => "text/plain" }, ["daemon"]] }
`, daemon)
	if err := os.WriteFile(filepath.Join(root, "config.ru"), []byte(code), 0o644); err != nil {
		t.Fatal(err)
	}
	s := up(t, newSpec(t, experiment.Unicorn, root, 1))
	var pid int
	text, err := os.ReadFile(daemon)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Sscan(string(text), &pid); err != nil {
		t.Fatal(err)
	}
	if p, err := proc.ProcessOf(pid); err != nil || p.Parent != os.Getpid() {
		t.Fatalf("the daemon %d is not an orphan: %+v %v", pid, p, err)
	}
	if err := s.Stop(time.Second); err != nil {
		t.Error(err)
	}
	childless(t)
}

// TestStopLeavesOthers has a child of this process and another server outlive one.
func TestStopLeavesOthers(t *testing.T) {
	root := copyApp(t, "hello")
	other := up(t, newSpec(t, experiment.Puma, root, 1))
	p := proxy(t, other.Backends())
	s := up(t, newSpec(t, experiment.Passenger, root, 1))
	if err := s.Stop(patience); err != nil {
		t.Error(err)
	}
	members, err := other.group.members()
	if err != nil || !slices.ContainsFunc(members, func(p proc.Process) bool { return p.Pid == other.leader.pid && !p.Zombie() }) {
		t.Errorf("the other server has %v: %v", members, err)
	}
	if response, _ := ask(t, "http://"+p.Address()+"/", false); response.StatusCode != 200 {
		t.Errorf("status %d", response.StatusCode)
	}
}

func TestEndDescendants(t *testing.T) {
	root := copyApp(t, "hello")
	for _, method := range []experiment.Method{experiment.Passenger, experiment.Unicorn} {
		s, err := Start(t.Context(), newSpec(t, method, root, 1))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = s.Stop(0) }()
	}
	if err := EndDescendants(Grace); err != nil {
		t.Error(err)
	}
	childless(t)
}
