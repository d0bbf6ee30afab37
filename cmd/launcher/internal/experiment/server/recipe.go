//go:build linux

package server

import (
	"context"
	"regexp"
	"strconv"
	"syscall"

	"launcher/cmd/launcher/internal/experiment"
)

// recipe is how one server is run.
type recipe struct {
	command []string // program and arguments
	typed   []string // the same as a person would type it
	// stopSignal has the server finish its requests and end.
	stopSignal syscall.Signal
	backends   []Backend
	// pidFile has the pid of a server that detaches itself from the command that starts it. "" where
	// the command is the server.
	pidFile string
	ready   readiness
}

// readiness finds out when all workers are up. One goroutine calls its methods.
type readiness interface {
	// line reads a line of the log. An error says that they never will be up.
	line(text string) error
	// up says whether they are up.
	up(ctx context.Context) bool
	// close waits for what up has begun, once its context has ended.
	close()
}

func (s *Spec) recipe(installed Installed) (*recipe, error) {
	switch s.Method {
	case experiment.Puma, experiment.PumaForkWorker:
		return s.puma(installed), nil
	case experiment.Pitchfork:
		return s.pitchfork(installed), nil
	case experiment.Falcon:
		return s.falcon(installed), nil
	case experiment.Unicorn:
		return s.unicorn(installed), nil
	case experiment.Passenger:
		return s.passenger(installed), nil
	default:
		return s.launcher()
	}
}

// announcements is the readiness of a server whose log names each worker that is up.
type announcements struct {
	pattern *regexp.Regexp // its submatch is the worker's name
	failure *regexp.Regexp // nil: the server ends where they will never be
	failed  bool           // it was seen
	names   map[string]bool
	count   int
}

func announced(pattern string, count int) *announcements {
	return &announcements{pattern: regexp.MustCompile(pattern), names: make(map[string]bool), count: count}
}

// unless says which line tells that the workers will never be up, though the server goes on trying. The line after it says why.
func (a *announcements) unless(pattern string) *announcements {
	a.failure = regexp.MustCompile(pattern)
	return a
}

func (a *announcements) line(text string) error {
	switch {
	case a.failure == nil:
	case a.failure.MatchString(text):
		a.failed = true
		return nil // another worker's may come in between
	case a.failed:
		return errNotLoaded
	}
	if match := a.pattern.FindStringSubmatch(text); match != nil {
		a.names[match[1]] = true
	}
	return nil
}

func (a *announcements) up(context.Context) bool { return len(a.names) >= a.count }

func (a *announcements) close() {}

func number(n int) string { return strconv.Itoa(n) }
