//go:build linux

package cli

import (
	"context"
	"net"
	"os"
	"sync"

	"launcher/fcgi/front"
	"launcher/preforker/sockets"
)

// A stop that is asked for while the workers leave for another launcher that follows in this process is one like any other: none
// follows. Where it comes too late for that, it is handed to the one that follows.

// leaving is how far that is.
type leaving struct {
	stopsNext bool // somebody has asked for a stop while another launcher was to follow
	over      bool // the supervisor has ended, and another launcher follows

	dismissed chan struct{} // closed when the front is to serve what waits for the launcher that does not follow
	waiting   sync.Once
	served    chan struct{} // closed when it has
}

// dismiss has no other launcher follow, where one was to. False: none was.
func (s *service) dismiss() bool {
	if s.next == nil || s.stopsNext {
		return false
	}
	s.stopsNext = true
	if s.http != nil && !s.over {
		close(s.dismissed)
		s.tasks.Go(func() {
			<-s.frontEnded // it may have before it heard of this
			s.serveWaiting()
		})
	}
	return true
}

// restart has the application loaded anew, unless another launcher is about to do that anyway.
func (s *service) restart(name string) {
	if s.next != nil && !s.stopsNext {
		s.log.Info("restart is the next launcher's start: it loads the application", keySignal, name)
		return
	}
	s.supervisor.Restart(name)
}

// serveWaiting has the front serve what waits at its sockets for the launcher that does not follow.
func (s *service) serveWaiting() {
	s.waiting.Do(func() {
		defer close(s.served)
		_, max := s.http.listener.Connections()
		var serving sync.WaitGroup
		for _, at := range s.http.takeBack() {
			serving.Go(func() {
				ended, end := context.WithCancel(s.cut)
				end()
				var listener net.Listener = sockets.NewWaiting(at.socket, at.listener.Addr(), at.hidden)
				if s.http.secured[at.listener] {
					listener = front.WithTLS(listener, s.http.certificate)
				}
				s.serveAt(ended, front.NewListener(listener, max, s.log))
			})
		}
		serving.Wait()
	})
}

// waitingServed is closed when nobody is served any more who has waited.
func (s *service) waitingServed() <-chan struct{} {
	select {
	case <-s.dismissed:
		return s.served
	default:
		return s.frontEnded
	}
}

// copied is the copy of a listener's socket that another launcher is to get.
type copied struct {
	listener net.Listener
	fd       int
	hidden   bool     // nobody new connects any more
	socket   *os.File // nil until it is taken back; there until the process ends, as the copy is the launcher's that follows if this was too late
}

// takeBack has nobody new connect to the sockets that another launcher was to get, and returns those where connections may wait. What
// the service manager keeps is left to it.
func (l *httpListener) takeBack() []copied {
	l.inherited = false
	if l.keeper != nil {
		return nil
	}
	for i := range l.copies {
		one := &l.copies[i]
		one.socket = os.NewFile(uintptr(one.fd), one.listener.Addr().String())
		one.hidden = l.hide(one.listener.Addr(), one.socket) == nil
	}
	return l.copies
}
