//go:build linux

package server

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"launcher/preforker/proc"
)

// startTick is how often a log is read while a server starts. It bounds how exactly a launch is
// timed.
const startTick = 10 * time.Millisecond

// Start starts a server, and returns when all of its workers are up. Where it fails, or
// the context ends before, nothing of the server is left.
func Start(ctx context.Context, spec Spec) (*Server, error) {
	if err := spec.validate(); err != nil {
		return nil, err
	}
	if spec.Installed == (Installed{}) {
		var err error
		if spec.Installed, err = Find(ctx, spec.Method, spec.App); err != nil {
			return nil, err
		}
	}
	if err := spec.prepare(); err != nil {
		return nil, fmt.Errorf("start %s: %w", spec.Method, err)
	}
	r, err := spec.recipe(spec.Installed)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", spec.Method, err)
	}
	s := &Server{spec: spec, recipe: r, group: newProcessGroup()}
	bounded, cancel := context.WithTimeoutCause(ctx, spec.Timeout, fmt.Errorf("its workers are not up after %v", spec.Timeout))
	defer r.ready.close()
	defer cancel()
	began := time.Now()
	if err := s.start(bounded); err != nil {
		lines := s.Tail()
		err = &StartError{Method: spec.Method, Err: err, Tail: lines}
		return nil, errors.Join(err, s.Stop(0))
	}
	s.launch = time.Since(began)
	return s, nil
}

func (s *Server) start(ctx context.Context) error {
	log, err := os.OpenFile(s.spec.path(LogName), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	news, err := follow(log.Name())
	if err != nil {
		return err
	}
	defer news.close()
	cmd := exec.Command(s.recipe.command[0], s.recipe.command[1:]...)
	cmd.Dir, cmd.Env = s.spec.App.Root, s.spec.environ()
	cmd.Stderr = log
	if !s.spec.Method.Own() {
		cmd.Stdout = log
	}
	if s.leader, err = s.group.start(cmd); err != nil {
		return err
	}
	if s.recipe.pidFile != "" {
		if err := s.detached(ctx); err != nil {
			return err
		}
	}
	if err := s.await(ctx, news); err != nil {
		return err
	}
	_, err = s.group.members() // to know them while their parents live
	return err
}

// detached waits for the end of a command that leaves a server behind, whose first process is the
// leader from then on.
func (s *Server) detached(ctx context.Context) error {
	select {
	case err := <-s.leader.exited:
		if err := unlessSuccess(err); err != nil {
			return fmt.Errorf("its command failed: %w", err)
		}
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	// To know a process that the command leaves behind: it soon ends, and as a zombie does not
	// show its environment any more.
	if _, err := s.group.members(); err != nil {
		return err
	}
	text, err := os.ReadFile(s.recipe.pidFile)
	if err != nil {
		return fmt.Errorf("find its first process: %w", err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return fmt.Errorf("find its first process: %w", err)
	}
	first, err := proc.ProcessOf(pid)
	if err != nil {
		return fmt.Errorf("%w (%w)", errEarlyExit, err)
	}
	s.leader = newLeader(pid, identityOf(first).signal, identityOf(first).await)
	return nil
}

// await waits until all workers are up.
func (s *Server) await(ctx context.Context, news *follower) error {
	tick := time.NewTicker(startTick)
	defer tick.Stop()
	for {
		if err := news.lines(s.recipe.ready.line); err != nil {
			return err
		}
		if s.recipe.ready.up(ctx) {
			return nil
		}
		select {
		case <-tick.C:
		case err := <-s.leader.exited:
			return fmt.Errorf("%w (%w)", errEarlyExit, err)
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
