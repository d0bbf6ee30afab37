package smallfile

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

// ErrNotFile says that there is something else than a regular file.
var ErrNotFile = errors.New("not a regular file")

// ErrTooLong says that a file has more than its reader takes.
var ErrTooLong = errors.New("too long")

// Open opens a regular file to read it. It waits for nothing, since O_NONBLOCK holds for pipes and
// devices, and follows no link.
func Open(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOFOLLOW|syscall.O_NOCTTY, 0)
	switch {
	case errors.Is(err, syscall.ELOOP), errors.Is(err, syscall.ENXIO): // a link; a socket
		return nil, &fs.PathError{Op: "open", Path: path, Err: ErrNotFile}
	case err != nil:
		return nil, err
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = &fs.PathError{Op: "open", Path: path, Err: ErrNotFile}
	}
	if err != nil {
		_ = file.Close()
		return nil, err
	}
	return file, nil
}

// Read reads a regular file of at most max bytes; a longer one is an error.
func Read(path string, max int64) ([]byte, error) {
	file, err := Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return bounded(file, path, max)
}

// bounded reads what a file has, an error where that is more than max bytes.
func bounded(file io.Reader, path string, max int64) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(file, max+1))
	if err == nil && int64(len(text)) > max {
		err = &tooLongError{path, max}
	}
	return text, err
}

type tooLongError struct {
	path string
	max  int64
}

func (e *tooLongError) Error() string { return fmt.Sprintf("%s has more than %d bytes", e.path, e.max) }

// Is has it be an ErrTooLong.
func (e *tooLongError) Is(target error) bool { return target == ErrTooLong }

// Temporary files have names that nobody else gives, so those of a launcher that was killed can be
// told from what people keep here.
const (
	temporaryPrefix = ".launcher-"
	temporarySuffix = ".tmp"
)

// CreateTemporary makes a file beside path that only this user can read, to be renamed to it.
func CreateTemporary(path string) (*os.File, error) {
	return os.CreateTemp(filepath.Dir(path), temporaryPrefix+filepath.Base(path)+".*"+temporarySuffix)
}

// ErrorAt says an error about a temporary file of the path that the file is for: its own name
// tells nobody anything, and is another one each time.
func ErrorAt(path string, err error) error {
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

// Replace writes a file with these permission bits, whole or not at all, also where the machine
// loses its power: it waits for the disk. Whatever has the path is replaced, a link too; a folder
// is an error.
func Replace(path string, text []byte, mode os.FileMode) error {
	file, err := CreateTemporary(path)
	if err != nil {
		return ErrorAt(path, err)
	}
	_, err = file.Write(text)
	if err == nil {
		err = file.Chmod(mode)
	}
	if err == nil {
		err = file.Sync()
	}
	if closed := file.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		_ = os.Remove(file.Name())
		return ErrorAt(path, err)
	}
	return nil
}

// maxEntries is how many names of a folder are read: somebody may have filled it.
const maxEntries = 20_000

// RemoveTemporary removes what launchers that were killed have left half written. The caller holds
// the folder's lock, so none of the files is in use.
func RemoveTemporary(dir string) {
	folder, err := os.Open(dir)
	if err != nil {
		return
	}
	defer folder.Close()
	for seen := 0; seen < maxEntries; {
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

// IsMissing says whether an error means that nothing can be at a path.
func IsMissing(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) || errors.Is(err, syscall.ELOOP)
}
