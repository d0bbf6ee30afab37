//go:build linux

package main

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
)

// childrenOf are the states of a process's children.
func childrenOf(t *testing.T, pid int) (states []string) {
	t.Helper()
	entries, err := os.ReadDir("/proc")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		stat, err := os.ReadFile("/proc/" + entry.Name() + "/stat")
		if err != nil {
			continue
		}
		_, rest, _ := strings.Cut(string(stat), ") ")
		if fields := strings.Fields(rest); len(fields) > 1 && fields[1] == fmt.Sprint(pid) {
			states = append(states, fields[0])
		}
	}
	return states
}

// TestFirstProcessOfAContainer: as process 1 the launcher reaps what requests leave behind, and TERM ends it in order.
func TestFirstProcessOfAContainer(t *testing.T) {
	t.Parallel()
	root := writeApp(t, map[string]string{"config.ru": `
run(lambda { |_env|
  system("(sleep 0.05; exit 3) & (exec sleep 0.02) & exit 0") # which leaves two to process 1
  [200, {}, [Process.ppid.to_s]]
})
`})
	namespaces := []string{"--pid", "--fork", "--mount-proc"}
	if os.Geteuid() != 0 {
		namespaces = append([]string{"--user", "--map-root-user"}, namespaces...)
	}
	in := start(t, startOptions{root: root, program: tool(t, "unshare"), args: append(namespaces, os.Args[0], "2")}).serving()
	launcher := 0 // as it is known out here
	for _, p := range in.processes() {
		if strings.HasPrefix(p.title, "launcher worker ") {
			launcher = p.ppid
		}
	}
	for slot := range 2 {
		if got := ask(t, in.socket(slot), "/"); !got.is("1") {
			t.Errorf("the parent of a worker is %v", got)
		}
	}
	in.waitFor("the preloader and two workers to be all that is left", func() bool {
		states := childrenOf(t, launcher)
		return len(states) == 3 && !strings.Contains(strings.Join(states, ""), "Z")
	})
	if err := syscall.Kill(launcher, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if status := in.wait(); status != exitOK {
		t.Error(status)
	}
	if _, err := os.Stat(in.socket(0)); err == nil {
		t.Error("a socket is left behind")
	}
}
