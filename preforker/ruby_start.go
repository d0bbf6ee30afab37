package preforker

import (
	"launcher/preforker/ruby"
)

// rubyStart is what every Ruby of this supervisor is started with.
func (s *Supervisor) rubyStart() ruby.Start {
	return ruby.Start{App: s.config.App, Program: s.config.Ruby, BootTimeout: s.config.BootTimeout, DrainTimeout: s.config.DrainTimeout,
		LogJSON: s.config.LogJSON, Allow: s.config.Allow.setting(), Board: s.board, Stderr: s.config.Stderr, Printed: s.config.Observer.Printed,
		Silent: func(pid int) {
			s.log.Warn("Ruby has not said yet what it is: one on a JVM starts slowly, and cannot fork", keyRuby, s.config.Ruby, keyPid, pid)
		}}
}

// rubyVariables are those for the next preloader.
func (s *Supervisor) rubyVariables() []string {
	variables, err := ruby.Variables(s.config.Without, s.heap)
	if err != nil {
		s.log.Debug("the size of the Ruby heap is not known", keyError, err)
	}
	return variables
}
