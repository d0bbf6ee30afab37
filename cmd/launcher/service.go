//go:build linux

package main

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"sync"
	"syscall"
	"time"

	"launcher/fcgi"
	"launcher/preforker"
)

// service runs the supervisor, and the embedded front beside it, until a signal or
// the supervisor ends both.
type service struct {
	supervisor *preforker.Supervisor
	front      *front // nil where the user wants none
	drain      time.Duration
	log        *slog.Logger
	hungUp     func() bool // the terminal that it was started from is gone

	tasks      sync.WaitGroup
	frontEnded chan struct{}
	endFront   context.CancelFunc // no new requests
	cutFront   context.CancelFunc // and no old ones either
	asked      time.Time          // when it was first asked to stop
}

// same is how close two signals are that somebody sent once: timeout(1) and others
// signal a process and then its group.
const same = 100 * time.Millisecond

func (s *service) run(signals <-chan os.Signal) error {
	serving, endFront := context.WithCancel(context.Background())
	patient, cutFront := context.WithCancel(context.Background())
	s.endFront, s.cutFront, s.frontEnded = endFront, cutFront, make(chan struct{})
	s.tasks.Go(func() {
		defer close(s.frontEnded)
		s.serveFront(serving, patient)
	})
	ended := make(chan struct{})
	s.tasks.Go(func() {
		for {
			select {
			case sig := <-signals:
				s.signalled(sig)
			case <-ended:
				return
			}
		}
	})
	err := s.supervisor.Run()
	endFront()
	cutFront() // nobody is left to answer
	close(ended)
	s.tasks.Wait()
	return err
}

func (s *service) serveFront(ctx, cut context.Context) {
	if s.front == nil {
		return
	}
	err := fcgi.Serve(ctx, cut, s.front.listener, s.front.handler, s.log)
	if err != nil && !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, context.Canceled) {
		s.log.Error("the HTTP front ended", "error", err)
	}
}

// signalled: HUP loads the application anew, unless it says that the terminal was
// closed; every other signal stops, and kills when it comes once more.
func (s *service) signalled(sig os.Signal) {
	name := signalName(sig)
	switch {
	case sig == syscall.SIGHUP && !s.hungUp():
		s.supervisor.Restart(name)
	case s.asked.IsZero():
		s.asked = time.Now()
		s.endFront()
		// The front's requests need the workers: they stop after it, and what it has
		// taken of the time to drain is not given once more.
		if s.front != nil {
			time.AfterFunc(s.drain, func() {
				s.cutFront()
				s.supervisor.Kill(name)
			})
		}
		s.tasks.Go(func() {
			<-s.frontEnded
			s.supervisor.Stop(name)
		})
	case time.Since(s.asked) > same:
		s.cutFront()
		s.supervisor.Kill(name)
	}
}

// signalName is what an operator types after kill -.
func signalName(sig os.Signal) string {
	switch sig {
	case syscall.SIGTERM:
		return "TERM"
	case syscall.SIGINT:
		return "INT"
	case syscall.SIGQUIT:
		return "QUIT"
	case syscall.SIGHUP:
		return "HUP"
	default:
		return sig.String()
	}
}
