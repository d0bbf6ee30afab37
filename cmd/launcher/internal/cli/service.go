//go:build linux

package cli

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"sync"
	"syscall"
	"time"

	"launcher/fcgi/front"
	"launcher/preforker"
)

// service runs the supervisor, and the embedded front beside it, until a signal or
// the supervisor ends both.
type service struct {
	supervisor *preforker.Supervisor
	http       *httpListener // nil where the user wants none
	log        *slog.Logger
	hungUp     func() bool // the terminal that it was started from is gone

	tasks      sync.WaitGroup
	frontEnded chan struct{}
	endFront   context.CancelFunc // no new requests
	asked      time.Time          // when it was first asked to stop
}

// same is how close two signals are that somebody sent once: timeout(1) and others
// signal a process and then its group.
const same = 100 * time.Millisecond

func (s *service) run(signals <-chan os.Signal) error {
	serving, endFront := context.WithCancel(context.Background())
	patient, cutFront := context.WithCancel(context.Background())
	s.endFront, s.frontEnded = endFront, make(chan struct{})
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
	s.awaitFront()
	cutFront()
	close(ended)
	s.tasks.Wait()
	return err
}

// lastAnswers is how long clients may take to read what they are told when the last worker has gone.
const lastAnswers = time.Second

// awaitFront lets the front tell those that still wait that nobody will serve them.
func (s *service) awaitFront() {
	if s.http == nil {
		return
	}
	s.http.handler.Close()
	select {
	case <-s.frontEnded:
	case <-time.After(lastAnswers):
	}
}

func (s *service) serveFront(ctx, cut context.Context) {
	if s.http == nil {
		return
	}
	err := front.Serve(ctx, cut, s.http.listener, s.http.handler, s.log)
	if err != nil && !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, context.Canceled) {
		s.log.Error("the HTTP front ended", keyError, err)
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
		if s.http == nil {
			s.supervisor.Stop(name)
			return
		}
		// The front's requests need the workers, so these leave after it.
		s.supervisor.StopAfterFront(name)
		s.tasks.Go(func() {
			<-s.frontEnded
			s.supervisor.FrontStopped()
		})
	case time.Since(s.asked) > same:
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
