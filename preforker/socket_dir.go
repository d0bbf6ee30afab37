package preforker

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// socketDir is the folder of the sockets and of what lies beside them. It remembers
// what it made, so that a start that fails leaves nothing behind.
type socketDir struct {
	path    string
	made    bool   // the folder itself
	snippet string // path of the snippet, where this start made it
}

func makeSocketDir(path string) (*socketDir, error) {
	_, err := os.Stat(path)
	made := errors.Is(err, fs.ErrNotExist)
	if err := os.MkdirAll(path, 0o755); err != nil {
		return nil, userErrorf("make the folder writable, or choose another one with --socket-dir", "create socket folder: %w", err)
	}
	return &socketDir{path: path, made: made}, nil
}

// writeSnippet keeps the web server's configuration, whole or not at all. A file that says
// the same already is left alone. It stays when the launcher stops: a web server
// that includes it must still start.
func (d *socketDir) writeSnippet(name, text string) error {
	path := filepath.Join(d.path, name)
	old, err := os.ReadFile(path)
	if err == nil && string(old) == text {
		return nil
	}
	isNew := errors.Is(err, fs.ErrNotExist)
	file, err := os.CreateTemp(d.path, name+".*")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	defer os.Remove(file.Name()) // renamed by then, unless something failed
	_, err = file.WriteString(text)
	if err == nil {
		err = file.Chmod(0o644)
	}
	if closed := file.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if isNew {
		d.snippet = path
	}
	return nil
}

// undo removes what this start made, as far as nobody else has put anything there.
func (d *socketDir) undo() {
	if d.snippet != "" {
		_ = os.Remove(d.snippet)
	}
	if d.made {
		_ = os.Remove(d.path) // fails where it is not empty, as it should
	}
}
