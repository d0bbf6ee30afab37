package sockets

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"launcher/preforker/hint"
	"launcher/preforker/smallfile"
)

// Folder is the folder of the sockets and of what lies beside them. It remembers
// what it made, so that a start that fails leaves nothing behind.
type Folder struct {
	path    string
	made    []string    // the folder itself and those above it that this start made, the innermost first
	as      os.FileInfo // as it was at the start
	snippet string      // path of the snippet, where this start made it
}

// MakeFolder makes a folder with those above it, as far as they are not there.
func MakeFolder(path string) (*Folder, error) {
	d := &Folder{path: path, made: missing(path)}
	if err := os.MkdirAll(path, 0o755); err != nil {
		d.Undo()
		return nil, hint.Errorf("make the folder writable, or choose another one with --socket-dir", "create socket folder: %w", err)
	}
	var err error
	if d.as, err = os.Stat(path); err != nil {
		d.Undo()
		return nil, fmt.Errorf("look at socket folder: %w", err)
	}
	return d, nil
}

// missing are the folders on the way to path that are not there, the innermost first.
func missing(path string) (found []string) {
	for {
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) || path == filepath.Dir(path) {
			return found
		}
		found = append(found, path)
		path = filepath.Dir(path)
	}
}

// Restore makes the folder anew where it is gone, as it was. Root is the folder of the application,
// without which there is nothing to serve: it does not come back as an empty one of the launcher's.
func (d *Folder) Restore(root string) error {
	if _, err := os.Stat(d.path); err == nil || !errors.Is(err, fs.ErrNotExist) {
		return nil // what else is wrong with it shows when it is used
	}
	if below(root, d.path) {
		if _, err := os.Stat(root); errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("make socket folder: the application's folder %s is gone", root)
		}
	}
	if err := os.MkdirAll(d.path, 0o755); err != nil {
		return fmt.Errorf("make socket folder: %w", err)
	}
	// Only root can give it to another user, and whoever else made it has the right one.
	owner := d.as.Sys().(*syscall.Stat_t)
	_ = os.Chown(d.path, int(owner.Uid), int(owner.Gid))
	if err := os.Chmod(d.path, d.as.Mode()); err != nil {
		return fmt.Errorf("make socket folder: %w", err)
	}
	return nil
}

// below says whether a path leads into a folder.
func below(dir, path string) bool {
	rest, err := filepath.Rel(dir, path)
	return err == nil && rest != ".." && !strings.HasPrefix(rest, "../")
}

// WriteSnippet writes the web server's configuration, whole or not at all. A file that says
// the same already is left alone. It stays when the launcher stops: a web server
// that includes it must still start.
func (d *Folder) WriteSnippet(name, text string) error {
	path := filepath.Join(d.path, name)
	old, err := smallfile.Read(path, int64(len(text)))
	if err == nil && string(old) == text {
		return nil
	}
	isNew := errors.Is(err, fs.ErrNotExist)
	if info, err := os.Lstat(path); err == nil && info.IsDir() {
		return hint.Errorf("move it away, or "+tryPlace, "write %s: it is there and is a folder", path)
	}
	if err := smallfile.Replace(path, []byte(text), 0o644); err != nil {
		return hint.Errorf("make the folder writable, free some space on its disk, or "+tryPlace, "%w", err)
	}
	if isNew {
		d.snippet = path
	}
	return nil
}

// Undo removes what this start made, as far as nobody else has put anything there.
func (d *Folder) Undo() {
	if d.snippet != "" {
		_ = os.Remove(d.snippet)
	}
	for _, dir := range d.made {
		_ = os.Remove(dir) // fails where it is not empty, as it should
	}
}
