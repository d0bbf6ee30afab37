package sockets

import (
	"fmt"
	"path/filepath"

	"launcher/preforker/hint"
	"launcher/preforker/linux"
)

// Name is the file name of a slot's socket, as it was in 2007.
func Name(slot int) string { return fmt.Sprintf("fastcgi.socket-%d", slot) }

// Paths are the sockets of so many slots in a folder, in slot order.
func Paths(dir string, slots int) []string {
	paths := make([]string, slots)
	for slot := range paths {
		paths[slot] = filepath.Join(dir, Name(slot))
	}
	return paths
}

// CheckPaths refuses a folder whose sockets' paths no web server could use.
func CheckPaths(dir string, slots int) error {
	if err := CheckPath(filepath.Join(dir, Name(slots-1))); err != nil {
		return hint.Errorf("choose a shorter folder with --socket-dir, /run/myapp for instance", "bind sockets: %w", err)
	}
	return nil
}

// CheckPath refuses a path that a socket cannot have.
func CheckPath(path string) error {
	if len(path) <= linux.MaxSocketPath {
		return nil
	}
	return fmt.Errorf("%s has %d bytes, a socket's path can have %d", path, len(path), linux.MaxSocketPath)
}
