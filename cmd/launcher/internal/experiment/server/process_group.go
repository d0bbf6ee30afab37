//go:build linux

package server

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"os"
	"slices"
	"sync"

	"launcher/preforker/linux"
	"launcher/preforker/proc"
)

// family is a process that was started here and all that came of it, however it has
// detached itself. Three things tell a member: its parent is one; it is in a session of
// one, for the first began a new session, and a process can only leave for another new
// one; a variable of its environment, which it inherits across fork, exec and setsid. A
// process title may overwrite the environment that /proc shows, and a zombie shows none,
// so who was known as a member once stays one.
type family struct {
	mark string

	mu    sync.Mutex
	known map[identity]bool
}

// markVariable tells the members. Its value is no secret.
const markVariable = "LAUNCHER_FAMILY"

func newFamily() *family {
	return &family{mark: markVariable + "=" + rand.Text(), known: make(map[identity]bool)}
}

// begin says who is the first member. It leads a session.
func (f *family) begin(pid int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if first, err := proc.ProcessOf(pid); err == nil {
		f.known[identityOf(first)] = true
	}
}

// members answers all of them that there are now, zombies among them.
func (f *family) members() ([]proc.Process, error) {
	all, err := processes()
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	members := make(map[int]bool)
	for _, p := range all {
		if f.isMember(p) {
			members[p.Pid] = true
		}
	}
	for known := -1; known != len(members); {
		known = len(members)
		spread(all, members)
		shareSessions(all, members)
	}
	all = slices.DeleteFunc(all, func(p proc.Process) bool { return !members[p.Pid] })
	for _, p := range all {
		f.known[identityOf(p)] = true
	}
	return all, nil
}

// isMember judges a process by itself. That it is none is remembered too, or each look at
// the processes would read the environment of all of them.
func (f *family) isMember(p proc.Process) bool {
	if is, judged := f.known[identityOf(p)]; judged {
		return is
	}
	environ, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", p.Pid))
	if bytes.Contains(environ, []byte(f.mark)) {
		return true
	}
	// None to be seen: a kernel thread, a zombie, or a process that is just now at execve(2).
	if err != nil || len(environ) > 0 {
		f.known[identityOf(p)] = false
	}
	return false
}

// shareSessions adds to a set of pids those who are in a session of a member.
func shareSessions(all []proc.Process, members map[int]bool) {
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
