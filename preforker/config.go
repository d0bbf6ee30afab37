package preforker

import (
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"time"
)

// MaxWorkers is the most slots that a supervisor takes.
const MaxWorkers = 1024

// SpawnMethod is how workers come to be.
type SpawnMethod string

// How workers come to be: forked from a preloader that has the application loaded, or each
// a Ruby of its own that loads it by itself and shares nothing.
const (
	SpawnSmart  SpawnMethod = "smart"
	SpawnDirect SpawnMethod = "direct"
)

// Config is what a supervisor is told.
type Config struct {
	App     App
	Workers int
	Ruby    string // path of the interpreter

	SocketDir   string      // absolute
	SocketMode  os.FileMode // permission bits
	SocketGroup int         // gid, -1 leaves the group alone

	SpawnMethod SpawnMethod // SpawnSmart, where it is empty

	Without []Lever // that are not to be used
	Warmup  Warmup
	Renewal Renewal // when a fork takes a worker's place

	Refork       Refork
	BootTimeout  time.Duration // of a preloader, and of a worker
	DrainTimeout time.Duration

	// Snippet is the web server's configuration for these sockets, kept beside
	// them in a file of this name.
	Snippet     string
	SnippetName string

	// Refuse answers a connection that nobody can serve, in the protocol of
	// the web server, and closes it.
	Refuse func(net.Conn)

	Log      *slog.Logger
	Stderr   *os.File // of the workers, and of a preloader that has loaded
	Observer Observer
}

// Observer is told what a person at a terminal would like to know. Its methods are
// called by the supervisor's loop, and must not wait; Printed by other goroutines too.
type Observer interface {
	// Loading says that a generation begins to load.
	Loading(generation int)
	// Printed passes on a line that the application printed while it loads.
	Printed(line string)
	// Loaded says that a generation has loaded: its workers come next.
	Loaded(generation int)
	// Settled says that a load has failed, or that a slot waits: there is
	// nothing to watch for now.
	Settled()
	// Serving says that every slot has a ready worker of this generation.
	Serving(generation int, workers []WorkerView)
	// Stopping says that the supervisor is about to end.
	Stopping()
}

// WorkerView is a worker as others may see it.
type WorkerView struct {
	Slot       int
	Generation int
	Pid        int
	State      WorkerState
	Socket     string
}

// App is an application in its folder.
type App struct {
	Root        string   // absolute
	Entry       string   // a rackup file or config/environment.rb, absolute or below the root
	Environment []string // variables to add to this process's own: RAILS_ENV=production
	URLPrefix   string   // "" or "/shop"
	MountedBy   MountedBy
	Hooks       string // path of config/launcher.rb, "" where there is none
	// PassengerEvents has the application find PhusionPassenger.on_event.
	PassengerEvents bool
}

// MountedBy says who takes the URL prefix off the path of a request.
type MountedBy string

const (
	MountedByAuto     MountedBy = "auto" // whoever does according to the loaded application
	MountedByLauncher MountedBy = "launcher"
	MountedByApp      MountedBy = "app"
)

// FindApp looks for an application in a folder.
func FindApp(root string) (App, error) {
	app, err := findRoot(root)
	if err != nil {
		return App{}, err
	}
	for _, entry := range []string{"config.ru", "config/environment.rb"} {
		if isFile(filepath.Join(app.Root, entry)) {
			app.Entry = entry
			return app, nil
		}
	}
	return App{}, userErrorf("change to the root of a Rails or Rack application, or name it with --root",
		"find application: neither config.ru nor config/environment.rb in %s", app.Root)
}

// FindRackup is FindApp where the user names the rackup file, absolute or below the root.
func FindRackup(root, rackup string) (App, error) {
	app, err := findRoot(root)
	if err != nil {
		return App{}, err
	}
	path := rackup
	if !filepath.IsAbs(path) {
		path = filepath.Join(app.Root, path)
	}
	if !isFile(path) {
		return App{}, userErrorf("name a rackup file with --rackup, absolute or relative to the root of the application",
			"find application: there is no file %s", path)
	}
	app.Entry = path
	return app, nil
}

func findRoot(root string) (App, error) {
	abs, err := filepath.Abs(root)
	if err != nil {
		return App{}, err
	}
	if info, err := os.Stat(abs); err != nil || !info.IsDir() {
		return App{}, userErrorf("name the folder of the application with --root", "find application: %s is not a folder", abs)
	}
	app := App{Root: abs}
	if hooks := filepath.Join(abs, "config", "launcher.rb"); isFile(hooks) {
		app.Hooks = hooks
	}
	return app, nil
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}
