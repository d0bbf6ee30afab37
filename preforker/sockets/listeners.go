package sockets

import (
	"errors"
	"os"

	"launcher/preforker/linux"
)

// Listeners are the listening sockets of all slots. One goroutine owns them.
type Listeners struct {
	places  []string
	bound   []Bound
	aside   map[int]Bound // given ones of slots that are closed
	linked  int           // slots from that of the last place up to this have names that lead to others
	options linux.SocketOptions
}

// BindAll binds the sockets of all slots at their places, which are all of one kind; all or none. Predecessor is the pid of
// a launcher that died in this folder without cleaning up, or 0: its sockets count as stale.
func BindAll(places []string, options linux.SocketOptions, predecessor int) (*Listeners, error) {
	return BindOthers(places, options, predecessor, nil)
}

// BindOthers is BindAll but for the slots whose sockets are given.
func BindOthers(places []string, options linux.SocketOptions, predecessor int, given map[int]Given) (*Listeners, error) {
	l := &Listeners{places: places, bound: make([]Bound, len(places)), options: options}
	if err := l.bindOthers(predecessor, given); err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

func (l *Listeners) bindOthers(predecessor int, given map[int]Given) error {
	if err := l.takeGiven(given); err != nil {
		return err
	}
	if len(l.places) > 0 && IsPort(l.places[0]) {
		return l.bindPorts(predecessor)
	}
	stale := Staleness{Predecessor: predecessor}
	for slot, path := range l.places { // check all before one is touched
		if l.bound[slot].Listener != nil {
			continue
		}
		if err := checkPlace(path, stale); err != nil {
			return err
		}
	}
	for slot := range l.places {
		if l.bound[slot].Listener != nil {
			continue
		}
		if err := l.Bind(slot, stale); err != nil {
			return err
		}
	}
	return nil
}

// Bind binds the socket of a slot that has none. Its errors name the place, and so the slot.
func (l *Listeners) Bind(slot int, stale Staleness) (err error) {
	if aside := l.aside[slot]; aside.Listener != nil {
		l.bound[slot] = aside
		delete(l.aside, slot)
		return nil
	}
	var bound Bound
	if place := l.places[slot]; IsPort(place) {
		bound, err = bindPort(place)
	} else {
		bound, err = Bind(place, l.options, stale)
	}
	if err == nil {
		l.bound[slot] = bound
	}
	return err
}

// Resize changes the number of slots. Those that are new have no socket, and those that go have had theirs taken.
func (l *Listeners) Resize(places []string) {
	bound := make([]Bound, len(places))
	copy(bound, l.bound)
	l.places, l.bound = places, bound
}

// Put gives a slot that has none a socket that was bound at its path.
func (l *Listeners) Put(slot int, bound Bound) { l.bound[slot] = bound }

// Place is where the socket of a slot is, or was.
func (l *Listeners) Place(slot int) string { return l.places[slot] }

// Places are those of all slots, in slot order. The caller does not change them.
func (l *Listeners) Places() []string { return l.places }

// Listener is the listening socket of a slot, nil where it is closed. It stays the Listeners' own.
func (l *Listeners) Listener(slot int) *os.File { return l.bound[slot].Listener }

// Inode is that of a slot's socket, 0 where it is closed.
func (l *Listeners) Inode(slot int) uint64 {
	if l.bound[slot].Listener == nil {
		return 0
	}
	return l.bound[slot].Inode
}

// Files are those of the sockets, as AppendFiles has them.
func (l *Listeners) Files() []NamedFile { return l.AppendFiles(make([]NamedFile, 0, len(l.bound))) }

// AppendFiles appends those of the sockets to files, by slot: none where it is closed, given to this launcher, or a port.
func (l *Listeners) AppendFiles(files []NamedFile) []NamedFile {
	for slot, bound := range l.bound {
		file := NamedFile{}
		if bound.Listener != nil && !bound.Given && !IsPort(l.places[slot]) {
			file = bound.File
		}
		files = append(files, file)
	}
	return files
}

// Hide has nobody new connect to any socket. What waits stays.
func (l *Listeners) Hide() error {
	var failed []error
	if len(l.places) > 0 {
		l.removeLinks()
	}
	for slot := range l.places {
		failed = append(failed, l.HideSlot(slot))
	}
	return errors.Join(failed...)
}

// HideSlot has nobody new connect to the socket of a slot, where that is open: it removes its file, or has the kernel
// refuse connections to its port.
func (l *Listeners) HideSlot(slot int) error {
	switch bound := l.bound[slot]; {
	case bound.Listener == nil, bound.Given:
	case IsPort(l.places[slot]):
		return linux.HideTCP(bound.Listener)
	default:
		bound.File.Remove()
	}
	return nil
}

// Take gives a slot's listener away, nil where it is closed. The slot has none then. One that was given stays here, for the next
// time that the slot's socket is bound: what waits there waits on.
func (l *Listeners) Take(slot int) *os.File {
	bound := l.bound[slot]
	l.bound[slot].Listener = nil
	if bound.Given && bound.Listener != nil {
		if l.aside == nil {
			l.aside = map[int]Bound{}
		}
		l.aside[slot] = bound
		return nil
	}
	return bound.Listener
}

// Close hides what is left, but for what others have, then closes it.
func (l *Listeners) Close() {
	if len(l.places) > 0 {
		l.removeLinks()
	}
	for slot, place := range l.places {
		bound := l.bound[slot]
		l.bound[slot].Listener = nil
		switch {
		case bound.Listener == nil:
		case bound.Given, bound.Kept:
			_ = bound.Listener.Close()
		default:
			bound.File.Remove()
			closeListener(bound.Listener, place)
		}
	}
	for slot, bound := range l.aside {
		_ = bound.Listener.Close()
		delete(l.aside, slot)
	}
}

// closeListener closes the socket of a place. A port is free then, whoever else has the socket: processes that the
// application has forked may.
func closeListener(listener *os.File, place string) {
	if IsPort(place) {
		_ = linux.StopListening(listener) // it may not listen yet
	}
	_ = listener.Close()
}
