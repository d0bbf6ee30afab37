package sockets

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"launcher/preforker/hint"
	"launcher/preforker/linux"
	"launcher/preforker/proc"
	"launcher/preforker/smallfile"
)

// PidFile keeps a second launcher out of a socket folder. What counts is the lock
// on it, which the kernel gives back with kill -9 too; the number in it is for
// people, and for the next launcher: it names one that died without cleaning up.
//
// It appears whole, locked and with the number in it, by a link or a rename: a full disk leaves no
// empty one behind. Whoever can open a file can lock it, so others may not even read it.
type PidFile struct {
	Path string
	// Predecessor is the pid that was found in it, 0 where there was none.
	Predecessor int

	file  *os.File
	named NamedFile
}

const (
	pidFileName = "launcher.pid"
	// maxPidFile is more than a pid takes, in bytes.
	maxPidFile = 32
	// maxPidTries bounds how often somebody may replace the file while it is being locked.
	maxPidTries = 100
)

// tryPlace is a hint that always helps.
const tryPlace = "choose another folder with --socket-dir"

// LockPidFile makes the pid file of a folder and locks it. Where another launcher has it, the error
// names that one, as far as it is seen to hold the file.
func LockPidFile(dir string) (*PidFile, error) {
	path := filepath.Join(dir, pidFileName)
	for range maxPidTries {
		p, again, err := tryPidFile(path)
		if !again {
			return p, err
		}
	}
	return nil, hint.Errorf("see who replaces it, or "+tryPlace, "lock pid file: somebody replaces %s all the time", path)
}

// tryPidFile is one attempt. Again says that somebody was faster.
func tryPidFile(path string) (p *PidFile, again bool, err error) {
	file, err := smallfile.Open(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return claim(path, 0, os.Link)
	case errors.Is(err, smallfile.ErrNotFile):
		return nil, false, hint.Errorf("move it away, or "+tryPlace,
			"create pid file: %s is there and is not a file; it was left alone", path)
	case errors.Is(err, fs.ErrPermission):
		return nil, false, hint.Errorf("run as its owner, remove it if no launcher runs there, or "+tryPlace, "open pid file: %w", err)
	case err != nil:
		return nil, false, hint.Errorf("choose a folder that this user may write with --socket-dir", "open pid file: %w", err)
	}
	defer file.Close()
	return lockOpened(file, path)
}

// lockOpened takes the place of an opened pid file. Again says that its owner removed it in
// between: a lock on a file without a name keeps nobody out.
func lockOpened(file *os.File, path string) (p *PidFile, again bool, err error) {
	locked, err := linux.TryLock(file)
	if err != nil {
		return nil, false, fmt.Errorf("lock pid file: %w", err)
	}
	opened, err := file.Stat()
	if err != nil {
		return nil, false, fmt.Errorf("look at pid file: %w", err)
	}
	if named, err := os.Lstat(path); err != nil || !os.SameFile(opened, named) {
		return nil, true, nil
	}
	pid := readPid(file)
	if locked {
		// The old file stays locked until the new one, which is too, has its name.
		return claim(path, pid, os.Rename)
	}
	if pid != 0 && pid != os.Getpid() && proc.HasOpen(pid, opened, pidFileName) {
		return nil, false, hint.Errorf(fmt.Sprintf("stop it with launcher stop, or kill %d; or %s", pid, tryPlace),
			"start launcher: already running, pid %d (%s)", pid, path)
	}
	// The number may be of a process that has nothing to do with it, or of one in another
	// container.
	return nil, false, hint.Errorf(fmt.Sprintf("see who has it open (fuser -v %s), or %s", path, tryPlace),
		"start launcher: somebody else has locked %s", path)
}

// readPid reads a pid, 0 where the file has none.
func readPid(file *os.File) int {
	text, err := io.ReadAll(io.LimitReader(file, maxPidFile+1))
	if err != nil || len(text) > maxPidFile {
		return 0
	}
	pid, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 32)
	if err != nil || pid < 1 {
		return 0
	}
	return int(pid)
}

// claim makes a locked pid file and gives it its name, by a link where there is none yet.
func claim(path string, predecessor int, name func(from, to string) error) (p *PidFile, again bool, err error) {
	file, err := smallfile.CreateTemporary(path)
	if err == nil {
		err = writePid(file)
	}
	var info os.FileInfo
	if err == nil {
		info, err = file.Stat()
	}
	if err == nil {
		err = name(file.Name(), path)
	}
	if file != nil {
		_ = os.Remove(file.Name()) // a rename has taken it
	}
	switch {
	case err == nil:
		return &PidFile{path, predecessor, file, nameFile(path, info)}, false, nil
	case file != nil:
		_ = file.Close()
	}
	if errors.Is(err, fs.ErrExist) || file != nil && errors.Is(err, fs.ErrNotExist) {
		return nil, true, nil // another launcher was faster, or has cleaned up
	}
	try := "choose a folder that this user may write with --socket-dir"
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		try = "free some space on its disk, or " + tryPlace
	}
	return nil, false, hint.Errorf(try, "create pid file: %w", smallfile.ErrorAt(path, err))
}

func writePid(file *os.File) error {
	locked, err := linux.TryLock(file)
	if err != nil {
		return err
	}
	if !locked {
		return errors.New("somebody else has locked it")
	}
	_, err = file.WriteString(strconv.Itoa(os.Getpid()) + "\n")
	return err
}

// Lost says whether the file has not its name any more, so that a lock on it keeps nobody out.
func (p *PidFile) Lost() bool { return p.named.Lost(p.Path) }

// Release removes the file while it is still locked, then gives the lock back. A file of
// this name that is another one belongs to another launcher.
func (p *PidFile) Release() {
	p.named.Remove()
	_ = p.file.Close()
}
