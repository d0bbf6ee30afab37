package preforker

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"launcher/preforker/hint"
	"launcher/preforker/linux"
	"launcher/preforker/proc"
)

// SocketName is the file name of a slot's socket, as it was in 2007.
func SocketName(slot int) string { return fmt.Sprintf("fastcgi.socket-%d", slot) }

// SocketPaths are the sockets of so many slots in a folder, in slot order.
func SocketPaths(dir string, slots int) []string {
	paths := make([]string, slots)
	for slot := range paths {
		paths[slot] = filepath.Join(dir, SocketName(slot))
	}
	return paths
}

// CheckSocketPaths refuses a folder whose sockets' paths no web server could use.
func CheckSocketPaths(dir string, slots int) error {
	path := filepath.Join(dir, SocketName(slots-1))
	if len(path) <= linux.MaxSocketPath {
		return nil
	}
	return hint.Errorf("choose a shorter folder with --socket-dir, /run/myapp for instance",
		"bind sockets: %s has %d bytes, a socket's path can have %d", path, len(path), linux.MaxSocketPath)
}

// sockets are the listening sockets of all slots. The loop owns them.
type sockets struct {
	paths     []string
	listeners []*os.File  // nil where a slot's socket is closed
	files     []namedFile // as they were bound
	inodes    []uint64    // of the sockets themselves
	options   linux.SocketOptions
}

// bindSockets binds all or none. Predecessor is the pid of a launcher that
// died in this folder without cleaning up, or 0: its workers may still hold its
// sockets for the request in hand, and these count as stale.
func bindSockets(dir string, slots int, options linux.SocketOptions, predecessor int) (*sockets, error) {
	s := &sockets{paths: SocketPaths(dir, slots), listeners: make([]*os.File, slots),
		files: make([]namedFile, slots), inodes: make([]uint64, slots), options: options}
	stale := staleness{predecessor: predecessor}
	for _, path := range s.paths { // look at all before one is touched
		if err := checkPlace(path, stale); err != nil {
			return nil, err
		}
	}
	for slot := range s.paths {
		if err := s.bind(slot, stale); err != nil {
			s.close()
			return nil, err
		}
	}
	return s, nil
}

// staleness says whose sockets are stale though somebody may listen on them.
type staleness struct {
	predecessor int  // pid of a launcher that has died here, 0: none
	moved       bool // this launcher runs, so its own have lost their places
}

// covers says whether the socket is stale that a process has bound; 0: the kernel does not tell which one, because the
// queue is full, or the process is in another namespace.
func (s staleness) covers(pid int) bool {
	switch {
	case pid == 0:
		return s.predecessor != 0 && !s.moved
	case pid == os.Getpid() && s.moved, pid == s.predecessor:
		return true
	}
	return !linux.Exists(pid) // workers that it has left may hold it for their last request
}

// checkPlace says whether a socket may be bound at a path: where nothing is, or
// a socket that nobody listens on any more.
func checkPlace(path string, stale staleness) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("look for a socket: %w", err)
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

func (s *sockets) bind(slot int, stale staleness) (err error) {
	s.listeners[slot], s.files[slot], err = bindSocket(s.paths[slot], s.options, stale)
	if err != nil {
		return err // it names the path, and that the slot
	}
	info, err := s.listeners[slot].Stat()
	if err != nil {
		return fmt.Errorf("look at slot %d socket: %w", slot, err)
	}
	s.inodes[slot] = info.Sys().(*syscall.Stat_t).Ino
	return nil
}

// bindSocket binds a socket where nothing is, or a stale one.
func bindSocket(path string, options linux.SocketOptions, stale staleness) (*os.File, namedFile, error) {
	if err := checkPlace(path, stale); err != nil {
		return nil, namedFile{}, err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, namedFile{}, hint.Errorf("remove it as its owner, or "+tryPlace, "remove stale socket: %w", err)
	}
	listener, err := linux.Listen(path, options)
	if err != nil {
		return nil, namedFile{}, hint.Errorf("check the permissions of the folder and the group, and the space on its disk, or "+tryPlace,
			"bind socket %s: %w", path, err)
	}
	info, err := os.Lstat(path)
	if err != nil {
		_ = listener.Close()
		return nil, namedFile{}, fmt.Errorf("look at socket: %w", err)
	}
	return listener, nameFile(path, info), nil
}

// hide removes the files of all sockets: nobody new connects, what waits stays.
func (s *sockets) hide() {
	for slot := range s.paths {
		s.hideSlot(slot)
	}
}

func (s *sockets) hideSlot(slot int) {
	if s.listeners[slot] != nil {
		s.files[slot].remove()
	}
}

// open are the files of those that are open.
func (s *sockets) open() map[int]namedFile {
	files := map[int]namedFile{}
	for slot, listener := range s.listeners {
		if listener != nil {
			files[slot] = s.files[slot]
		}
	}
	return files
}

// take gives a slot's listener away.
func (s *sockets) take(slot int) *os.File {
	listener := s.listeners[slot]
	s.listeners[slot] = nil
	return listener
}

// close closes what is left.
func (s *sockets) close() {
	s.hide()
	for slot := range s.listeners {
		if listener := s.take(slot); listener != nil {
			_ = listener.Close()
		}
	}
}
