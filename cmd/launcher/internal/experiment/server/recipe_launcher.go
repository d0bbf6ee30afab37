//go:build linux

package server

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"syscall"

	"launcher/preforker/sockets"
)

// launcher returns the recipe of this program. Its standard output, configuration for a web server, is
// not kept: the log is its standard error.
func (s *Spec) launcher() (*recipe, error) {
	program, err := executable(s.Launcher)
	if err != nil {
		return nil, err
	}
	arguments := []string{"--config", "none", "--spawn-method", string(s.Method), "--root", s.App.Root, "--environment", s.App.Environment,
		"--ruby", cmp.Or(s.App.Ruby, "ruby"), "--rackup", s.path(wrapperName), "--socket-dir", s.Dir,
		"--boot-timeout", s.Timeout.String(), "--request-timeout", "0", "--log-format", "text", number(s.Workers)}
	r := &recipe{
		command: append([]string{program}, arguments...), typed: append([]string{"launcher"}, arguments...),
		stopSignal: syscall.SIGTERM, ready: &logLine{texts: readyLines(s.Workers)},
	}
	for _, socket := range sockets.Paths(s.Dir, s.Workers) {
		r.backends = append(r.backends, Backend{FastCGI: true, Socket: socket})
	}
	return r, nil
}

// readyLines returns how the lines start that the launcher prints once all sockets are served, and once all workers are ready:
// whichever comes first.
func readyLines(workers int) []string {
	if workers == 1 {
		return []string{"1 slot is served", "1 worker is ready"}
	}
	return []string{number(workers) + " slots are served", number(workers) + " workers are ready"}
}

// logLine is the readiness of a server whose log has a line for all of its workers, or one of several.
type logLine struct {
	texts []string
	seen  bool
}

func (l *logLine) line(text string) error {
	l.seen = l.seen || slices.ContainsFunc(l.texts, func(start string) bool { return strings.HasPrefix(text, start) })
	return nil
}

func (l *logLine) up(context.Context) bool { return l.seen }

func (l *logLine) close() {}
