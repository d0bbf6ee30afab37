package preforker

// serveControl answers at the control socket until the loop has ended, or the socket is replaced.
func (s *Supervisor) serveControl() {
	server := s.control
	s.tasks.Go(func() { server.Serve(s.done, s.status) })
}
