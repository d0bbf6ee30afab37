//go:build linux

package server

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"launcher/cmd/launcher/internal/experiment"
	"launcher/preforker/hint"
	"launcher/preforker/ident"
	"launcher/preforker/linux"
	"launcher/preforker/sockets"
)

// Spec says what to start.
type Spec struct {
	Method   experiment.Method
	Workers  int
	App      experiment.App
	Launcher string // path of this program
	// Dir is the folder of this run, there already and empty: sockets, configuration, logs.
	Dir     string
	Timeout time.Duration // to come up
	// Installed is what Find has returned. Without it Start calls Find.
	Installed Installed
}

func (s *Spec) validate() error {
	switch {
	case !slices.Contains(experiment.Methods(), s.Method):
		return fmt.Errorf("start server: there is no method %q", s.Method)
	case s.Workers < 1 || s.Workers > ident.MaxWorkers:
		return fmt.Errorf("start %s: workers: %d, from 1 to %d can be", s.Method, s.Workers, ident.MaxWorkers)
	case s.Timeout <= 0:
		return fmt.Errorf("start %s: no time to come up", s.Method)
	case !filepath.IsAbs(s.App.Root) || !filepath.IsAbs(s.Dir):
		return fmt.Errorf("start %s: the paths %q and %q must be absolute", s.Method, s.App.Root, s.Dir)
	}
	if longest := len(s.Dir) + len(s.longestName()); longest > linux.MaxSocketPath {
		return hint.Errorf("choose a folder with a shorter path: TMPDIR=/tmp",
			"start %s: the path of its sockets would have %d bytes, %d at most can be: %s", s.Method, longest, linux.MaxSocketPath, s.Dir)
	}
	return nil
}

// longestName returns the end of the longest socket path that a method makes below its folder.
func (s *Spec) longestName() string {
	switch {
	case s.Method.Own():
		return "/" + sockets.Name(s.Workers-1)
	case s.Method == experiment.Passenger:
		// Its instances have a random name of seven letters; it cuts the random part
		// of a worker's socket to what is left, which must not become guessable.
		return "/passenger.1234567/apps.s/ruby.1234567890123456"
	default:
		return "/" + socketName
	}
}

// socketName is the one socket of a server that shares it among its workers.
const socketName = "server.sock"

func (s *Spec) path(name string) string { return filepath.Join(s.Dir, name) }

// foreign has the variables that would choose for a server what is chosen here, or tell it of
// a service manager that does not know it. What else the user has set stays.
var foreign = []string{
	"LAUNCHER_HTTP", "LAUNCHER_SOCKET_GROUP", "LAUNCHER_SOCKET_MODE", "LAUNCHER_URL_PREFIX",
	"LAUNCHER_LOG_FORMAT", "LAUNCHER_LOG_LEVEL", "LAUNCHER_LOG_FILE", "LAUNCHER_ROOT",
	"LAUNCHER_USER", "LAUNCHER_GROUP", "LAUNCHER_ALLOW_ROOT", "LAUNCHER_SOCKET_USER",
	"RAILS_RELATIVE_URL_ROOT", "RAILS_ENV", "RACK_ENV", "APP_ENV", "TMPDIR",
	"PORT", "WEB_CONCURRENCY", "UNICORN_FD",
	"LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES", "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID",
}

// Settings returns the variables that choose something for this program and reach it, as
// "NAME=value": direct and smart are measured with what the user has set.
func Settings() []string {
	return slices.DeleteFunc(appEnviron(experiment.App{}), func(v string) bool {
		name, _, _ := strings.Cut(v, "=")
		return !strings.HasPrefix(name, "LAUNCHER_") || slices.Contains(chosen, name)
	})
}

// chosen has the variables of this program whose options it is started with.
var chosen = []string{"LAUNCHER_RUBY", "LAUNCHER_ENVIRONMENT", "LAUNCHER_RACKUP", "LAUNCHER_SOCKET_DIR", "LAUNCHER_BOOT_TIMEOUT", "LAUNCHER_SPAWN_METHOD"}

// environ returns the environment of a server. Its temporary files are below the folder of the
// run: Passenger leaves a page for each error there.
func (s *Spec) environ() []string {
	return append(appEnviron(s.App), "TMPDIR="+s.path(tmpName), "LAUNCHER_ALLOW_ROOT=1") // whoever runs the experiment runs the servers
}

const tmpName = "tmp"

func appEnviron(app experiment.App) []string {
	environ := slices.DeleteFunc(os.Environ(), func(v string) bool {
		name, _, _ := strings.Cut(v, "=")
		return slices.Contains(foreign, name) || strings.HasPrefix(name, "PASSENGER_") || strings.HasPrefix(name, "PUMA_")
	})
	if app.Environment != "" {
		environ = append(environ, "RAILS_ENV="+app.Environment, "RACK_ENV="+app.Environment)
	}
	return environ
}
