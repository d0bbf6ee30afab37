package preforker

import (
	"launcher/preforker/control"
	"launcher/preforker/sockets"
)

// serveControl answers at the control socket until the loop has ended, or the socket is replaced.
func (s *Supervisor) serveControl() {
	server := s.control
	s.tasks.Go(func() { server.Serve(s.done, s.status) })
}

// replaceControl binds the control socket anew, and ends the conversations at the older one.
func (s *Supervisor) replaceControl() error {
	fresh, err := control.Listen(s.config.SocketDir, sockets.Staleness{Predecessor: s.pid.Predecessor, Moved: true})
	if err != nil {
		return err
	}
	s.control.Close()
	s.control = fresh
	s.serveControl()
	return nil
}
