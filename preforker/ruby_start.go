package preforker

import (
	"os"
	"syscall"

	"launcher/preforker/linux"
	"launcher/preforker/ruby"
)

// rubyStart is what every Ruby of this supervisor is started with.
func (s *Supervisor) rubyStart() ruby.Start {
	return ruby.Start{App: s.config.App, Program: s.config.Ruby, BootTimeout: s.config.BootTimeout, DrainTimeout: s.config.DrainTimeout,
		LogJSON: s.config.LogJSON, Board: s.board, Stderr: s.config.Stderr, Printed: s.config.Observer.Printed,
		Silent: func(pid int) {
			s.log.Warn("Ruby has not said yet what it is: one on a JVM starts slowly, and cannot fork", keyRuby, s.config.Ruby, keyPid, pid)
		}}
}

func (s *Supervisor) settings(generation int) (map[string]string, error) {
	return s.rubyStart().Settings(generation)
}

// rubyProcess is a Ruby that the supervisor has started: a preloader, or a worker that
// loads the application by itself.
type rubyProcess struct {
	child  *linux.Child
	conn   *linux.PacketConn // also its life line
	output *ruby.Output      // what it prints while it loads
}

// signalGroup signals whatever the process has started and has not put into groups of their own.
// It leads its group until the loop reaps it: the number is its own.
func (p *rubyProcess) signalGroup(signal syscall.Signal) error {
	return linux.SignalGroup(p.child.Pid, signal)
}

func (s *Supervisor) launchRuby(name string, settings map[string]string, variables []string, more ...*os.File) (*rubyProcess, error) {
	process, err := s.rubyStart().Launch(name, settings, variables, more...)
	if err != nil {
		return nil, err
	}
	return &rubyProcess{process.Child, process.Conn, process.Output}, nil
}

// rubyVariables are those for the next preloader.
func (s *Supervisor) rubyVariables() []string {
	variables, err := ruby.Variables(s.config.Without, s.heap)
	if err != nil {
		s.log.Debug("the size of the Ruby heap is not known", keyError, err)
	}
	return variables
}
