package preforker

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// The files beside the sockets are small. Whoever may write to the folder can put anything in their
// place: a pipe that nobody writes to, a device, a link, or a file without an end. Reading takes a regular file of
// bounded size or fails at once, and writing replaces whatever is there, whole or not at all.

// errNotFile says that there is something else than a regular file.
var errNotFile = errors.New("not a regular file")

// openSmall opens a regular file to read it, and waits for nothing: O_NONBLOCK is for pipes and devices.
func openSmall(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOFOLLOW|syscall.O_NOCTTY, 0)
	switch {
	case errors.Is(err, syscall.ELOOP), errors.Is(err, syscall.ENXIO): // a link; a socket
		return nil, &fs.PathError{Op: "open", Path: path, Err: errNotFile}
	case err != nil:
		return nil, err
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = &fs.PathError{Op: "open", Path: path, Err: errNotFile}
	}
	if err != nil {
		_ = file.Close()
		return nil, err
	}
	return file, nil
}

// readSmall reads a regular file of at most so many bytes.
func readSmall(path string, most int64) ([]byte, error) {
	file, err := openSmall(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, most+1))
	if err == nil && int64(len(text)) > most {
		err = fmt.Errorf("read %s: it has more than %d bytes", path, most)
	}
	return text, err
}

// Temporary files have names that nobody else gives, so those of a launcher that was killed can be told
// from what people keep here.
const (
	temporaryPrefix = ".launcher-"
	temporarySuffix = ".tmp"
)

// createTemporary makes a file beside path that only this user can read, to be renamed to it.
func createTemporary(path string) (*os.File, error) {
	return os.CreateTemp(filepath.Dir(path), temporaryPrefix+filepath.Base(path)+".*"+temporarySuffix)
}

// errorAt is an error about a file, said of its place: the name of a temporary file tells nobody anything,
// and another one each time.
func errorAt(path string, err error) error {
	var at *fs.PathError
	var link *os.LinkError
	switch {
	case errors.As(err, &at):
		err = at.Err
	case errors.As(err, &link):
		err = link.Err
	}
	return &fs.PathError{Op: "write", Path: path, Err: err}
}

// replaceSmall writes a file, whole or not at all.
func replaceSmall(path string, text []byte, mode os.FileMode) error {
	file, err := createTemporary(path)
	if err != nil {
		return errorAt(path, err)
	}
	_, err = file.Write(text)
	if err == nil {
		err = file.Chmod(mode)
	}
	if closed := file.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		_ = os.Remove(file.Name())
		return errorAt(path, err)
	}
	return nil
}

// mostEntries is how many names of a folder are looked at: somebody may have filled it.
const mostEntries = 20_000

// removeTemporary removes what launchers that were killed have left half written. The caller holds the
// folder's lock, so none of them is in use.
func removeTemporary(dir string) {
	folder, err := os.Open(dir)
	if err != nil {
		return
	}
	defer folder.Close()
	for seen := 0; seen < mostEntries; {
		entries, err := folder.ReadDir(256)
		for _, entry := range entries {
			name := entry.Name()
			if entry.Type().IsRegular() && strings.HasPrefix(name, temporaryPrefix) && strings.HasSuffix(name, temporarySuffix) {
				_ = os.Remove(filepath.Join(dir, name)) // another user's may not be ours to remove
			}
		}
		seen += len(entries)
		if err != nil || len(entries) == 0 {
			return
		}
	}
}
