//go:build linux

package server

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"sync"
	"syscall"

	"launcher/preforker/linux"
	"launcher/preforker/proc"
)

// processGroup is a process that was started here and all that descends from it, however it has
// detached itself: more than a group of the kernel's, which a process may leave. Three things tell a
// member: its parent is one; it is in a session of one, for the first began a new session, and a
// process can only leave for another new one; a variable of its environment, which it
// inherits across fork, exec and setsid. A process title may overwrite the environment that
// /proc shows, and a zombie shows none, so who was known as a member once stays one.
type processGroup struct {
	mark string // name and value of the variable

	mu    sync.Mutex
	known map[identity]bool
}

// GroupVariable is the variable that tells the members. Its value is no secret.
const GroupVariable = "LAUNCHER_PROCESS_GROUP"

func newProcessGroup() *processGroup {
	return &processGroup{mark: GroupVariable + "=" + rand.Text(), known: make(map[identity]bool)}
}

// start starts the first member. It leads a session of its own: Ctrl-C at the terminal is for this
// process, which stops the group in its own way.
func (g *processGroup) start(cmd *exec.Cmd) (*leader, error) {
	cmd.Env = append(cmd.Env, g.mark)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if first, err := proc.ProcessOf(cmd.Process.Pid); err == nil {
		g.known[identityOf(first)] = true
	}
	return newLeader(cmd.Process.Pid, func(sig syscall.Signal) { _ = cmd.Process.Signal(sig) }, cmd.Wait), nil
}

// members returns all that there are now, zombies among them.
func (g *processGroup) members() ([]proc.Process, error) {
	table, err := proc.Processes()
	if err != nil {
		return nil, err
	}
	all := table.All()
	g.mu.Lock()
	defer g.mu.Unlock()
	members := make(map[int]bool)
	for _, p := range all {
		if g.isMember(p) {
			members[p.Pid] = true
		}
	}
	for known := -1; known != len(members); {
		known = len(members)
		table.Extend(members)
		addSessions(all, members)
	}
	all = slices.DeleteFunc(all, func(p proc.Process) bool { return !members[p.Pid] })
	for _, p := range all {
		g.known[identityOf(p)] = true
	}
	return all, nil
}

// isMember judges a process by itself. It remembers that one is no member too, or each pass over
// the processes would read the environment of all of them.
func (g *processGroup) isMember(p proc.Process) bool {
	if is, judged := g.known[identityOf(p)]; judged {
		return is
	}
	environ, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", p.Pid))
	if bytes.Contains(environ, []byte(g.mark)) {
		return true
	}
	// None to be seen: a kernel thread, a zombie, or a process that is just now at execve(2).
	if err != nil || len(environ) > 0 {
		g.known[identityOf(p)] = false
	}
	return false
}

// addSessions adds to a set of pids those in a session of a member.
func addSessions(all []proc.Process, members map[int]bool) {
	of := make(map[int]int, len(all))
	sessions := make(map[int]bool)
	for _, p := range all {
		session, err := linux.Session(p.Pid)
		if err != nil || session == 0 { // gone, or of a session outside this container
			continue
		}
		of[p.Pid] = session
		if members[p.Pid] {
			sessions[session] = true
		}
	}
	for pid, session := range of {
		if sessions[session] {
			members[pid] = true
		}
	}
}
