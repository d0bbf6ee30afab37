package preforker

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"launcher/preforker/sys"
)

// pidFile keeps a second launcher out of a socket folder. What counts is the lock
// on it, which the kernel gives back with kill -9 too; the number in it is for
// people, and for the next launcher: it names one that died without cleaning up.
type pidFile struct {
	file *os.File
	path string
	// predecessor is the pid that was found in it, 0 where there was none.
	predecessor int
}

const pidFileName = "launcher.pid"

func lockPidFile(dir string) (*pidFile, error) {
	path := filepath.Join(dir, pidFileName)
	for {
		file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o644)
		if err != nil {
			return nil, userErrorf("choose a folder that this user may write with --socket-dir", "create pid file: %w", err)
		}
		p, again, err := lockOpened(file, path)
		if p == nil {
			_ = file.Close()
		}
		if !again {
			return p, err
		}
	}
}

// lockOpened locks an opened pid file. Again says that its owner removed it in
// between: a lock on a file without a name keeps nobody out.
func lockOpened(file *os.File, path string) (p *pidFile, again bool, err error) {
	locked, err := sys.TryLock(file)
	if err != nil {
		return nil, false, fmt.Errorf("lock pid file: %w", err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, true, nil
		}
		return nil, false, fmt.Errorf("read pid file: %w", err)
	}
	pid, _ := strconv.Atoi(strings.TrimSpace(string(text)))
	if !locked && pid == 0 {
		return nil, false, userErrorf("wait for it, or choose another folder with --socket-dir",
			"start launcher: another one is just starting (%s)", path)
	}
	if !locked {
		return nil, false, userErrorf(fmt.Sprintf("stop it with kill %d, or choose another folder with --socket-dir", pid),
			"start launcher: already running, pid %d (%s)", pid, path)
	}
	opened, err := file.Stat()
	if err != nil {
		return nil, false, fmt.Errorf("look at pid file: %w", err)
	}
	named, err := os.Stat(path)
	if err != nil || !os.SameFile(opened, named) {
		return nil, true, nil
	}
	if err := writePid(file); err != nil {
		return nil, false, fmt.Errorf("write pid file: %w", err)
	}
	return &pidFile{file: file, path: path, predecessor: pid}, false, nil
}

func writePid(file *os.File) error {
	if err := file.Truncate(0); err != nil {
		return err
	}
	_, err := file.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	return err
}

// release removes the file while it is still locked, then gives the lock back. A file of
// this name that is another one belongs to another launcher.
func (p *pidFile) release() {
	opened, err := p.file.Stat()
	if named, err2 := os.Lstat(p.path); err == nil && err2 == nil && os.SameFile(opened, named) {
		_ = os.Remove(p.path)
	}
	_ = p.file.Close()
}
