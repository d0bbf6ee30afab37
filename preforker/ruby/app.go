package ruby

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"launcher/preforker/hint"
)

// App is an application in its folder.
type App struct {
	Root        string   // absolute
	Entry       string   // a rackup file or config/environment.rb, absolute or below the root
	Environment []string // variables to add to this process's own: RAILS_ENV=production
	URLPrefix   string   // "" or "/shop"
	MountedBy   MountedBy
	Hooks       string // path of config/launcher.rb, "" where there is none
	// Named says that the user has named the entry.
	Named bool
	// Probe is the path that a worker asks for before it takes the place of one with older code, or as the first fork of a refork that
	// somebody asks for; "": Rails' health check where there is one; ProbeOff: none.
	Probe string
	// PassengerEvents has the application find PhusionPassenger.on_event.
	PassengerEvents bool
}

// ProbeOff has no worker ask the application for anything.
const ProbeOff = "off"

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
		if err := closed(filepath.Join(app.Root, entry)); err != nil {
			return App{}, err
		}
		if isFile(filepath.Join(app.Root, entry)) {
			app.Entry = entry
			return app, nil
		}
	}
	return App{}, hint.Errorf("change to the root of a Rails or Rack application, or name it with --root",
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
	if err := closed(path); err != nil {
		return App{}, err
	}
	if !isFile(path) {
		return App{}, hint.Errorf("name a rackup file with --rackup, absolute or relative to the root of the application",
			"find application: there is no file %s", path)
	}
	app.Entry, app.Named = path, true
	return app, nil
}

// again is the application as it is in its folder now: another release may start otherwise, or be
// gone.
func (a App) again() (App, error) {
	now, err := FindApp(a.Root)
	if a.Named {
		now, err = FindRackup(a.Root, a.Entry)
	}
	if err != nil {
		return a, err
	}
	a.Entry, a.Hooks = now.Entry, now.Hooks
	return a, nil
}

func findRoot(root string) (App, error) {
	abs, err := filepath.Abs(root)
	if err != nil {
		return App{}, err
	}
	if err := closed(abs); err != nil {
		return App{}, err
	}
	if info, err := os.Stat(abs); err != nil || !info.IsDir() {
		return App{}, hint.Errorf("name the folder of the application with --root", "find application: %s is not a folder", abs)
	}
	app := App{Root: abs}
	if hooks := filepath.Join(abs, "config", "launcher.rb"); isFile(hooks) {
		app.Hooks = hooks
	}
	return app, nil
}

// closed is an error where this user may not even see whether something is there.
func closed(path string) error {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrPermission) {
		return hint.Errorf(permissions, "find application: %w", err)
	}
	return nil
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}
