//go:build linux

package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"launcher/preforker/hint"
	"launcher/preforker/smallfile"
)

// trialSize is more than a start writes of each of its files, in bytes: the largest is lighttpd's, with some 160 for each worker.
const trialSize = 256 << 10

// folder is an error where the launcher could not make files in a folder, which it makes itself where it may.
func (c *checkup) folder(dir, try string, makes bool) error {
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist) && makes && dir != filepath.Dir(dir):
		return c.folder(filepath.Dir(dir), "make it: mkdir -p "+dir+", or "+try, makes)
	case err == nil && !info.IsDir():
		err = fmt.Errorf("%s is no folder", dir)
	case err == nil:
		err = c.as.do(func() error { return tryWriting(dir) })
		if _, roots := rootsFolder(dir); errors.Is(err, fs.ErrPermission) && c.as != nil && roots == nil {
			return nil // root makes the file, or the folder, before it becomes that user
		}
	}
	if err != nil {
		return hint.Errorf(tryFolder(dir, try, err), "%w", err)
	}
	return nil
}

// tryWriting makes a file in a folder, writes into it and removes it. Its error names the folder.
func tryWriting(dir string) error {
	trial, err := smallfile.CreateTemporary(filepath.Join(dir, "trial"))
	if err == nil {
		_, err = trial.Write(bytes.Repeat([]byte{'#'}, trialSize)) // a full disk takes a file, and nothing into it
		err = errors.Join(err, trial.Close(), os.Remove(trial.Name()))
	}
	if err != nil {
		return smallfile.ErrorAt(dir, err)
	}
	return nil
}

// tryFolder is what to do where nothing can be written in a folder, or what there is to do otherwise.
func tryFolder(dir, otherwise string, err error) string {
	switch {
	case isFull(err):
		return fmt.Sprintf("make room on its disk (df -h %[1]s; df -i %[1]s), or %s", dir, otherwise)
	case errors.Is(err, syscall.EFBIG):
		return "raise the limit of the size of files (ulimit -f), or " + otherwise
	case errors.Is(err, syscall.EROFS):
		return "have its disk mounted for writing, or " + otherwise
	case errors.Is(err, fs.ErrPermission):
		return fmt.Sprintf("see who may write there (ls -ld %s), or %s", dir, otherwise)
	}
	return otherwise
}

func isFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

// file is an error where the launcher could not append to a file.
func (c *checkup) file(path string) error {
	const try = "name a file that may be written, in a folder that is there"
	dir := filepath.Dir(path)
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return c.folder(dir, try, false)
	}
	regular := err == nil && info.Mode().IsRegular()
	err = c.as.do(func() error {
		file, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|syscall.O_NONBLOCK, 0)
		if err == nil {
			err = file.Close()
		}
		return err
	})
	if err != nil {
		return hint.Errorf(try, "%w", err)
	}
	// It is left as it is, so whether there is room is tried beside it, where that may be done, and where a link leads to.
	if !regular {
		return nil
	}
	if real, err := filepath.EvalSymlinks(path); err == nil {
		dir = filepath.Dir(real)
	}
	if err := c.folder(dir, try, false); isFull(err) || errors.Is(err, syscall.EFBIG) {
		return err
	}
	return nil
}
