//go:build linux

package server

import (
	"cmp"
	"net/url"
	"syscall"

	"launcher/cmd/launcher/internal/experiment"
)

// puma returns the recipe of a cluster, also with one worker: without one Puma is a server of another
// kind. What is not said here is its default: in 5.6 wait_for_less_busy_worker is off.
func (s *Spec) puma(installed Installed) *recipe {
	socket := s.path(socketName)
	bind := url.URL{Scheme: "unix", Path: socket}
	arguments := []string{"-C", s.path(string(s.Method) + ".rb"), "-w", number(s.Workers), "-t", "1:1",
		"-e", s.App.Environment, "-b", bind.String(), s.path(wrapperName)}
	return &recipe{
		command: s.serve(installed, arguments), typed: typed(installed, experiment.Puma, arguments),
		stopSignal: syscall.SIGTERM, backends: []Backend{{Socket: socket}},
		ready: announced(`^(?:\[\d+\] )?- Worker (\d+) .*booted`, s.Workers).unless(`^(?:\[\d+\] )?! Unable to start worker`),
	}
}

// pitchfork returns its recipe: it is a Unicorn whose workers are forked from a mold, by default the
// process that has loaded the application; pitchfork.rb has it reforked as its documentation does.
func (s *Spec) pitchfork(installed Installed) *recipe {
	socket := s.path(socketName)
	arguments := []string{"-c", s.path("pitchfork.rb"), "-l", socket, "-E", s.App.Environment, s.path(wrapperName)}
	return &recipe{
		command: s.serve(installed, arguments), typed: typed(installed, experiment.Pitchfork, arguments),
		stopSignal: syscall.SIGQUIT,
		backends:   []Backend{{Socket: socket}},
		ready:      announced(`worker=(\d+) gen=\d+ pid=\d+ registered`, s.Workers),
	}
}

// falcon returns the recipe of what its documentation has for sites ("host"). It says that all of its processes are up, and not which.
func (s *Spec) falcon(installed Installed) *recipe {
	arguments := []string{"host", s.path("falcon.rb")}
	return &recipe{
		command: s.serve(installed, arguments), typed: typed(installed, experiment.Falcon, arguments),
		stopSignal: syscall.SIGINT, // TERM would cut requests off
		backends:   []Backend{{Socket: s.path(socketName)}},
		ready:      announced(`(Controller) started`, 1),
	}
}

// unicorn returns its recipe, without the middleware that it adds in some environments: no other
// server has it.
func (s *Spec) unicorn(installed Installed) *recipe {
	socket := s.path(socketName)
	arguments := []string{"-c", s.path("unicorn.rb"), "-l", socket, "-E", s.App.Environment, "-N", s.path(wrapperName)}
	return &recipe{
		command: s.serve(installed, arguments), typed: typed(installed, experiment.Unicorn, arguments),
		stopSignal: syscall.SIGQUIT, // TERM would cut requests off
		backends:   []Backend{{Socket: socket}},
		ready:      announced(`worker=(\d+) ready`, s.Workers),
	}
}

func (s *Spec) serve(installed Installed, arguments []string) []string {
	return append([]string{cmp.Or(s.App.Ruby, "ruby"), s.path(serveName), s.Method.Server(), installed.Program}, arguments...)
}

func typed(installed Installed, method experiment.Method, arguments []string) []string {
	command := append([]string{string(method)}, arguments...)
	if installed.Bundled {
		command = append([]string{"bundle", "exec"}, command...)
	}
	return command
}
