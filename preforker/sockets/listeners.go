package sockets

import (
	"os"

	"launcher/preforker/linux"
)

// Listeners are the listening sockets of all slots. One goroutine owns them.
type Listeners struct {
	paths   []string
	bound   []Bound
	options linux.SocketOptions
}

// BindAll binds the sockets of so many slots in a folder, all or none. Predecessor is the pid of a
// launcher that died in this folder without cleaning up, or 0: its sockets count as stale.
func BindAll(dir string, slots int, options linux.SocketOptions, predecessor int) (*Listeners, error) {
	l := &Listeners{paths: Paths(dir, slots), bound: make([]Bound, slots), options: options}
	stale := Staleness{Predecessor: predecessor}
	for _, path := range l.paths { // check all before one is touched
		if err := checkPlace(path, stale); err != nil {
			return nil, err
		}
	}
	for slot := range l.paths {
		if err := l.Bind(slot, stale); err != nil {
			l.Close()
			return nil, err
		}
	}
	return l, nil
}

// Bind binds the socket of a slot that has none. Its errors name the path, and so the slot.
func (l *Listeners) Bind(slot int, stale Staleness) error {
	bound, err := Bind(l.paths[slot], l.options, stale)
	if err != nil {
		return err
	}
	l.bound[slot] = bound
	return nil
}

// Put gives a slot that has none a socket that was bound at its path.
func (l *Listeners) Put(slot int, bound Bound) { l.bound[slot] = bound }

// Path is where the socket of a slot is, or was.
func (l *Listeners) Path(slot int) string { return l.paths[slot] }

// Paths are those of all slots, in slot order. The caller does not change them.
func (l *Listeners) Paths() []string { return l.paths }

// Listener is the listening socket of a slot, nil where it is closed. It stays the Listeners' own.
func (l *Listeners) Listener(slot int) *os.File { return l.bound[slot].Listener }

// Inode is that of a slot's socket, 0 where it is closed.
func (l *Listeners) Inode(slot int) uint64 {
	if l.bound[slot].Listener == nil {
		return 0
	}
	return l.bound[slot].Inode
}

// Files are the files of the sockets that are open, by slot.
func (l *Listeners) Files() map[int]NamedFile {
	files := map[int]NamedFile{}
	for slot, bound := range l.bound {
		if bound.Listener != nil {
			files[slot] = bound.File
		}
	}
	return files
}

// Hide removes the files of all sockets: nobody new connects, what waits stays.
func (l *Listeners) Hide() {
	for slot := range l.paths {
		l.HideSlot(slot)
	}
}

// HideSlot removes the file of a slot's socket, where that is open.
func (l *Listeners) HideSlot(slot int) {
	if l.bound[slot].Listener != nil {
		l.bound[slot].File.Remove()
	}
}

// Take gives a slot's listener away, nil where it is closed. The slot has none then.
func (l *Listeners) Take(slot int) *os.File {
	listener := l.bound[slot].Listener
	l.bound[slot].Listener = nil
	return listener
}

// Close removes the files of what is left, then closes it.
func (l *Listeners) Close() {
	l.Hide()
	for slot := range l.bound {
		if listener := l.Take(slot); listener != nil {
			_ = listener.Close()
		}
	}
}
