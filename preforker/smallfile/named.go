package smallfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
	"time"
)

// patience is how long a file that a user names may keep its reader waiting, as a pipe does whose writer asks a vault.
const patience = 10 * time.Second

// procMagic is the file system of /proc, as statfs(2) has it. Its files look like regular ones, and some have no end, as the kernel's log.
const procMagic = 0x9fa0

// NotFileError says what is where a regular file was to be.
type NotFileError struct{ Path, What string }

func (e *NotFileError) Error() string { return e.Path + " is " + e.What + ", and no regular file" }

// Is has it be an ErrNotFile.
func (e *NotFileError) Is(target error) bool { return target == ErrNotFile }

// ReadNamed reads a regular file of at most max bytes that a user has named, or a file of the user's. A link is followed: deploy tools
// have them.
func ReadNamed(path string, max int64) ([]byte, error) {
	return readNamed(path, max, 0, patience)
}

// ReadPiped reads a pipe as well, that of a shell's <() among them, which has to deliver and end in ten seconds. It is for what is read
// once: a pipe has nothing for a second reader.
func ReadPiped(path string, max int64) ([]byte, error) {
	return readNamed(path, max, fs.ModeNamedPipe, patience)
}

func readNamed(path string, max int64, beside fs.FileMode, patience time.Duration) ([]byte, error) {
	info, err := os.Stat(path) // before it is opened: that alone has some devices do something
	if at := (*fs.PathError)(nil); errors.As(err, &at) {
		at.Op = "open"
	}
	if err != nil {
		return nil, err
	}
	if err := checkNamed(path, info, beside); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOCTTY, 0)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if info, err = file.Stat(); err == nil {
		err = checkNamed(path, info, beside)
	}
	if err != nil {
		return nil, err
	}
	// What can keep a reader waiting has deadlines: a pipe, and files of the kernel's other file systems.
	if err := file.SetReadDeadline(time.Now().Add(patience)); err != nil && !errors.Is(err, os.ErrNoDeadline) {
		return nil, err
	}
	text, err := bounded(file, path, max)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = fmt.Errorf("%s has not come to its end within %v", path, patience)
	}
	return text, err
}

// checkNamed is an error where something is no regular file, and not of the type that is taken beside those.
func checkNamed(path string, info fs.FileInfo, beside fs.FileMode) error {
	mode := info.Mode()
	var of syscall.Statfs_t
	switch {
	case beside != 0 && mode.Type() == beside:
		return nil
	case mode.IsDir():
		return &NotFileError{path, "a folder"}
	case mode&fs.ModeNamedPipe != 0:
		return &NotFileError{path, "a pipe"}
	case mode&fs.ModeSocket != 0:
		return &NotFileError{path, "a socket"}
	case mode&fs.ModeDevice != 0:
		return &NotFileError{path, "a device"}
	case syscall.Statfs(path, &of) == nil && int64(of.Type) == procMagic:
		return &NotFileError{path, "made by the kernel"}
	}
	return nil
}
