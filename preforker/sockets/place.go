package sockets

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"launcher/preforker/hint"
	"launcher/preforker/linux"
	"launcher/preforker/proc"
)

// Staleness says whose sockets are stale though somebody may listen on them.
type Staleness struct {
	// Predecessor is the pid of a launcher that died in this folder without cleaning up, or 0: its
	// workers may still hold its sockets for the request in hand.
	Predecessor int
	// Moved says that this launcher runs already, so its own sockets have lost their places.
	Moved bool
}

// covers says whether the socket is stale that a process has bound; 0: the kernel does not tell
// which one, because the queue is full, or the process is in another namespace.
func (s Staleness) covers(pid int) bool {
	switch {
	case pid == 0:
		return s.Predecessor != 0 && !s.Moved
	case pid == os.Getpid() && s.Moved, pid == s.Predecessor:
		return true
	}
	return !linux.Exists(pid) // workers that it has left may hold it for their last request
}

// checkPlace says whether a socket may be bound at a path: where nothing is, or
// a socket that nobody listens on any more.
func checkPlace(path string, stale Staleness) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("look for a socket: %w", err)
	case isOurLink(path):
		return nil
	case info.Mode().Type() != fs.ModeSocket:
		return hint.Errorf("move it away, or "+tryPlace,
			"bind socket: %s is there and is not a socket; it was left alone", path)
	}
	pid, listening, err := linux.SocketPeer(path)
	switch {
	case errors.Is(err, syscall.EPROTOTYPE): // of another type
		return hint.Errorf("move it away, or "+tryPlace, "bind socket: %s is another program's; it was left alone", path)
	case err != nil:
		return hint.Errorf(tryPlace, "ask whether anybody listens: %w", err)
	case !listening || stale.covers(pid):
	case pid != 0 && proc.ListensAt(pid, path):
		return hint.Errorf(fmt.Sprintf("stop it (ps %d), or %s", pid, tryPlace),
			"bind socket: the process %d listens on %s", pid, path)
	default: // in another namespace of pids, another user's, or another process has got its number
		return hint.Errorf(fmt.Sprintf("see who it is (fuser -v %s), or %s", path, tryPlace), "bind socket: somebody listens on %s", path)
	}
	return nil
}
