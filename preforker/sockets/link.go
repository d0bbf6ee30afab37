package sockets

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
)

// The name of a socket whose slot is gone leads to the socket of another one, by a link: a web server that has not been told yet
// would find nobody there, and lighttpd tries five sockets at most for a request. A port can lead nowhere.

// Redirect has the names of the sockets from a number of slots up to another one lead to those that are left, in turn.
func (l *Listeners) Redirect(left, before int) error {
	if IsPort(l.places[0]) {
		return nil
	}
	if before > l.linked {
		l.linked = before
	}
	dir := filepath.Dir(l.places[0])
	for slot := left; slot < l.linked; slot++ {
		if err := link(Name(slot%left), filepath.Join(dir, Name(slot))); err != nil {
			return err
		}
	}
	return nil
}

// removeLinks removes the names of sockets that are gone.
func (l *Listeners) removeLinks() {
	for slot := len(l.places); slot < l.linked; slot++ {
		if path := filepath.Join(filepath.Dir(l.places[0]), Name(slot)); isOurLink(path) {
			_ = os.Remove(path)
		}
	}
	l.linked = 0
}

// link makes a link in the place of whatever is there, at once: nobody finds nothing.
func link(to, path string) error {
	fresh := path + ".tmp"
	if err := os.Remove(fresh); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove link: %w", err)
	}
	if err := os.Symlink(to, fresh); err != nil {
		return fmt.Errorf("make link: %w", err)
	}
	if err := os.Rename(fresh, path); err != nil {
		_ = os.Remove(fresh)
		return fmt.Errorf("make link: %w", err)
	}
	return nil
}

var socketName = regexp.MustCompile(`^fastcgi\.socket-\d+$`)

// isOurLink says whether a path is a link as Redirect makes it.
func isOurLink(path string) bool {
	to, err := os.Readlink(path)
	return err == nil && socketName.MatchString(to)
}
