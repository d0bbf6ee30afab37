package preforker

import "launcher/preforker/control"

// serveControl answers at the control socket until the loop has ended, or the socket is replaced.
func (s *Supervisor) serveControl() {
	server := s.control
	s.tasks.Go(func() { server.Serve(s.done, s.verbs()...) })
}

// verbs are what can be asked at the control socket.
func (s *Supervisor) verbs() []control.Verb {
	return []control.Verb{control.StatusVerb(s.status), control.RestartVerb(s.restart)}
}
