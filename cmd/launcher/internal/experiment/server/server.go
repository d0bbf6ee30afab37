//go:build linux

package server

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"syscall"
	"time"

	"launcher/cmd/launcher/internal/experiment"
)

// Backend is a socket that serves the application.
type Backend struct {
	FastCGI bool // HTTP where it is not
	Socket  string
}

// Server is one that is up. Its methods may be called by several goroutines.
type Server struct {
	spec   Spec
	recipe *recipe
	family *family
	head   *head
	launch time.Duration

	stop    sync.Once
	stopped error
}

// Pid is the server's first process: supervisor, master or watchdog.
func (s *Server) Pid() int { return s.head.pid }

// Command is what started the server, as a person would type it in the application's
// folder.
func (s *Server) Command() []string { return slices.Clone(s.recipe.typed) }

// Backends are the sockets to ask.
func (s *Server) Backends() []Backend { return slices.Clone(s.recipe.backends) }

// LaunchTime is how long it took from the start of the command until all workers were up.
func (s *Server) LaunchTime() time.Duration { return s.launch }

// Exited gives one error when the first process has ended, and is closed.
func (s *Server) Exited() <-chan error { return s.head.exited }

// Tail answers the last lines of the log.
func (s *Server) Tail() []string { return tail(s.spec.path(LogName)) }

// Stop has the server finish its requests and leave, and ends what is left of it when the
// time is over, or at once where its first process had ended before. It returns when no
// process of it is there. A second call answers what the first did.
func (s *Server) Stop(grace time.Duration) error {
	s.stop.Do(func() { s.stopped = s.end(grace) })
	return s.stopped
}

func (s *Server) end(grace time.Duration) error {
	// Who is a member now is known, whatever becomes of its parents.
	if _, err := s.family.members(); err != nil {
		return err
	}
	if s.head == nil || s.head.ended() {
		grace = 0
	} else {
		s.head.signal(s.recipe.goodbye)
	}
	if err := end(s.family.members, s.owned, grace); err != nil {
		return fmt.Errorf("stop %s: %w", s.spec.Method, err)
	}
	return nil
}

// owned says whose status head takes.
func (s *Server) owned(pid int) bool { return s.head != nil && s.head.pid == pid }

// StartError says why a server did not come up.
type StartError struct {
	Method experiment.Method
	Err    error
	Tail   []string // the last lines of its log
}

func (e *StartError) Error() string {
	text := fmt.Sprintf("start %s: %v", e.Method, e.Err)
	for _, line := range e.Tail {
		text += "\n  " + line
	}
	return text
}

// Unwrap answers the reason.
func (e *StartError) Unwrap() error { return e.Err }

var errEarlyExit = errors.New("it ended before its workers were up")

// head is the first process of a server, and who waits for it.
type head struct {
	pid    int
	signal func(syscall.Signal)
	done   chan struct{}
	exited chan error
}

// newHead has a goroutine wait for a process, which ends with it.
func newHead(pid int, signal func(syscall.Signal), wait func() error) *head {
	h := &head{pid: pid, signal: signal, done: make(chan struct{}), exited: make(chan error, 1)}
	go func() {
		err := wait()
		if err == nil {
			err = errors.New("exit status 0")
		}
		close(h.done)
		h.exited <- err
		close(h.exited)
	}()
	return h
}

func (h *head) ended() bool {
	select {
	case <-h.done:
		return true
	default:
		return false
	}
}
