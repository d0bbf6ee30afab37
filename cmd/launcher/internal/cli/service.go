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

	"github.com/urfave/cli/v2"

	"launcher/fcgi/front"
	"launcher/preforker"
	"launcher/preforker/hint"
	"launcher/preforker/linux"
)

// service runs the supervisor, and the embedded front beside it, until a signal or the supervisor
// ends both.
type service struct {
	supervisor *preforker.Supervisor
	http       *httpListener // nil where the user wants none
	monitor    *monitor
	log        *slog.Logger
	hungUp     func() bool // the terminal that it was started from has been closed
	pidFile    pidFile

	program string     // of this launcher
	next    *successor // that follows, unless somebody asks for a stop in time; nil: none does
	finding bool       // what could follow
	found   chan candidate
	leaving

	tasks      sync.WaitGroup
	frontEnded chan struct{}
	endFront   context.CancelFunc // no new requests
	cut        context.Context    // for what is left of them
	asked      time.Time          // when it was first asked to stop
	drain      *drain
	stops      chan stopWish // of clients of the control socket
}

// newService makes the service, which is asked at the control socket to stop. What it supervises comes next.
func newService(ctx *cli.Context, config *preforker.Config, listener *httpListener, monitor *monitor, console *console) *service {
	s := &service{http: listener, monitor: monitor, log: config.Log, hungUp: console.hungUp, drain: newDrain(config.DrainTimeout), pidFile: readPidFile(ctx), stops: make(chan stopWish), leaving: leaving{dismissed: make(chan struct{}), served: make(chan struct{})}}
	config.Stop = s.askToStop
	return s
}

// stopWish is a stop that somebody asks for at the control socket.
type stopWish struct {
	by  string
	now bool
}

// askToStop hands a stop to the goroutine that signals come to.
func (s *service) askToStop(ctx context.Context, by string, now bool) {
	select {
	case s.stops <- stopWish{by, now}:
	case <-ctx.Done():
	}
}

// stopFor stops as a signal does, and kills where that is asked for. The launcher that was to follow does not.
func (s *service) stopFor(w stopWish) {
	s.dismiss()
	switch {
	case w.now:
		s.asked = time.Now()
		s.endFront()
		s.kill(w.by)
	case s.asked.IsZero():
		s.stop(w.by)
	default:
		s.supervisor.Stop(w.by)
	}
}

// signalTwiceWithin is how close two signals are that were sent once: timeout(1) and others signal a
// process and then its group.
const signalTwiceWithin = 100 * time.Millisecond

func (s *service) run(signals <-chan os.Signal) error {
	serving, endFront := context.WithCancel(context.Background())
	cut, cutFront := context.WithCancel(context.Background())
	s.endFront, s.cut, s.frontEnded = endFront, cut, make(chan struct{})
	s.tasks.Go(func() {
		defer close(s.frontEnded)
		s.serveFront(serving)
	})
	telling, endTelling := context.WithCancel(context.Background())
	s.tasks.Go(func() { s.monitor.serve(telling) })
	s.tasks.Go(func() { s.monitor.dashboard.serve(telling) })
	ended, replaced := make(chan struct{}), make(chan struct{})
	s.found = make(chan candidate, 1)
	s.tasks.Go(func() {
		for {
			select {
			case sig := <-signals:
				s.signalled(serving, sig)
			case next := <-s.found:
				s.upgrade(next)
			case wish := <-s.stops:
				s.stopFor(wish)
			case <-replaced:
				s.over, signals, replaced = true, nil, nil // what comes now is the next launcher's
			case <-ended:
				return
			}
		}
	})
	err := s.supervisor.Run()
	_, follows := s.supervisor.Inherit()
	if follows {
		close(replaced)
	}
	s.monitor.dashboard.Close() // whoever follows the page is told nothing more
	endFront()
	s.awaitFront(follows)
	cutFront()
	endTelling()
	close(ended)
	s.tasks.Wait()
	return err
}

func (s *service) serveFront(ctx context.Context) {
	if s.http == nil {
		return
	}
	ended := make(chan struct{})
	s.tasks.Go(func() {
		defer close(ended)
		s.serveAt(ctx, s.http.listener)
	})
	select {
	case <-ended:
	case <-s.dismissed:
		s.serveWaiting()
		<-ended
	}
}

// serveAt serves requests that come to a listener, until the context ends.
func (s *service) serveAt(ctx context.Context, listener *front.Listener) {
	err := front.Serve(ctx, s.cut, listener, s.http.handler, s.log)
	if err != nil && !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, context.Canceled) {
		s.log.Error("the HTTP front ended", keyError, err)
	}
}

// scale adds a worker, or takes one away. The terminal sends the same signals to a process in its background that reads or writes
// there: these mean nothing.
func (s *service) scale(sig os.Signal) {
	if linux.InBackground() {
		s.log.Warn("signal ignored: the terminal may have sent it to a process in its background; launcher scale says how many workers there are to be",
			keySignal, signalName(sig))
		return
	}
	change := 1
	if sig == syscall.SIGTTOU {
		change = -1
	}
	s.supervisor.ScaleBy(change, signalName(sig))
}

// signalled carries a signal out: HUP loads the application anew, unless it means that the terminal
// was closed; TTIN and TTOU change the number of workers, USR1 opens logs anew, USR2 starts the launcher anew; every other one stops, and kills when it comes once
// more.
func (s *service) signalled(serving context.Context, sig os.Signal) {
	name := signalName(sig)
	switch {
	case sig == syscall.SIGHUP && !s.hungUp():
		s.restart(name)
	case sig == syscall.SIGTTIN, sig == syscall.SIGTTOU:
		s.scale(sig)
	case sig == syscall.SIGUSR1:
		s.tasks.Go(func() { s.complain(s.supervisor.ReopenLogs(name)) }) // a disk may take its time
	case sig == syscall.SIGUSR2:
		s.findNext(serving, name)
	case s.asked.IsZero():
		s.stop(name)
	case s.dismiss():
		s.asked = time.Now()
		s.supervisor.Stop(name)
	case time.Since(s.asked) > signalTwiceWithin:
		s.kill(name)
	}
}

func (s *service) kill(by string) {
	s.drain.cut()
	s.supervisor.Kill(by)
}

func (s *service) stop(name string) {
	s.asked = time.Now()
	s.endFront()
	if s.http == nil {
		s.supervisor.Stop(name)
		return
	}
	// The front's requests need the workers, so these leave after it.
	s.supervisor.StopAfterFront(name)
	s.drain.begin(s.asked)
	s.tasks.Go(func() {
		s.drain.awaitWorkless(s.frontEnded, s.http.needsWorkers)
		s.supervisor.FrontStopped()
	})
}

// complain logs what did not work, where anything did not.
func (s *service) complain(err error) {
	if err != nil {
		s.log.Error(err.Error(), keyTry, hint.Of(err))
	}
}
