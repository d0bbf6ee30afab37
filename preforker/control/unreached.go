package control

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"strconv"
	"syscall"

	"launcher/preforker/hint"
)

// unreached says why nobody could be asked.
func unreached(dir, path string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist) && !exists(dir):
		return hint.Errorf("name the folder of its sockets with --socket-dir, or the application's with --root", "find launcher: none runs with its sockets in %s: there is no such folder", dir)
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		return hint.Errorf("name the folder of its sockets with --socket-dir, or start it with launcher NUM",
			"find launcher: none runs with its sockets in %s", dir)
	case errors.Is(err, syscall.ECONNREFUSED):
		return hint.Errorf("start it with launcher NUM, or name another folder with --socket-dir",
			"find launcher: none runs with its sockets in %s; the one that left %s was killed", dir, SocketName)
	case errors.Is(err, syscall.EPROTOTYPE): // of another type
		return hint.Errorf("move it away: a launcher that runs makes its own", "find launcher: %s is another program's", path)
	case errors.Is(err, syscall.EAGAIN):
		return hint.Errorf("ask again in a while", "ask the launcher at %s: too many ask at once", path)
	case errors.Is(err, fs.ErrPermission):
		return hint.Errorf("ask as the user who runs it, with sudo -u "+ownerOf(path)+" before the command and --socket-dir "+dir+" behind it",
			"find launcher: %s may be asked by its owner alone", path)
	default:
		return fmt.Errorf("ask the launcher: %w", err)
	}
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

// ownerOf is the name of a file's owner, as far as it can be seen.
func ownerOf(path string) string {
	info, err := os.Lstat(path)
	if err != nil {
		return "USER"
	}
	uid := strconv.FormatUint(uint64(info.Sys().(*syscall.Stat_t).Uid), 10)
	if owner, err := user.LookupId(uid); err == nil {
		return owner.Username
	}
	return "#" + uid
}
