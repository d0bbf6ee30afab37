//go:build linux

package server

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"launcher/cmd/launcher/internal/experiment"
)

// Backend is a socket that serves the application.
type Backend struct {
	FastCGI bool // HTTP where it is not
	Socket  string
}

// Server is a server that is up. Its methods may be called by several goroutines.
type Server struct {
	spec   Spec
	recipe *recipe
	group  *processGroup
	leader *leader
	launch time.Duration

	stop    sync.Once
	stopped error
}

// Command is what started the server, as a person would type it in the application's
// folder.
func (s *Server) Command() []string { return slices.Clone(s.recipe.typed) }

// Backends are the sockets to ask.
func (s *Server) Backends() []Backend { return slices.Clone(s.recipe.backends) }

// LaunchTime is how long it took from the start of the command until all workers were up.
func (s *Server) LaunchTime() time.Duration { return s.launch }

// Exited returns a channel that gives one error when the first process has ended, and is closed then.
func (s *Server) Exited() <-chan error { return s.leader.exited }

// Tail returns the last lines of the log.
func (s *Server) Tail() []string { return tail(s.spec.path(LogName)) }

// Stop has the server finish its requests and end, and kills what is left of it when the
// time is over, or at once where its first process had ended before. It returns when no
// process of it is there. A second call returns what the first did.
func (s *Server) Stop(grace time.Duration) error {
	s.stop.Do(func() { s.stopped = s.end(grace) })
	return s.stopped
}

func (s *Server) end(grace time.Duration) error {
	// To know the members of now, whatever becomes of their parents.
	if _, err := s.group.members(); err != nil {
		return err
	}
	if s.leader == nil || s.leader.ended() {
		grace = 0
	} else {
		s.leader.signal(s.recipe.stopSignal)
	}
	if err := end(s.group.members, s.owned, grace); err != nil {
		return fmt.Errorf("stop %s: %w", s.spec.Method, err)
	}
	return nil
}

// owned says whether leader takes the status of a process.
func (s *Server) owned(pid int) bool { return s.leader != nil && s.leader.pid == pid }

// StartError is why a server did not come up.
type StartError struct {
	Method experiment.Method
	Err    error
	Tail   []string // the last lines of its log
}

func (e *StartError) Error() string {
	return fmt.Sprintf("start %s: %v%s", e.Method, e.Err, indented(e.Tail))
}

// Unwrap returns the reason.
func (e *StartError) Unwrap() error { return e.Err }

var (
	errEarlyExit = errors.New("it ended before its workers were up")
	errNotLoaded = errors.New("its workers do not load the application")
)
