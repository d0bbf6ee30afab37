package sockets

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"syscall"

	"launcher/preforker/hint"
	"launcher/preforker/linux"
)

// Given is a listening socket that this process was started with.
type Given struct {
	Socket *os.File
	// Kept says that a launcher before this one has bound it, so that it is this one's by now. Otherwise somebody else has, who
	// listens there for good.
	Kept bool
}

// errElsewhere says that a socket cannot be reached where a slot's is to be.
var errElsewhere = errors.New("the socket is elsewhere")

// takeGiven has slots use sockets that are given. One that was kept and cannot be reached any more is closed, and one that is not
// where its slot's socket is to be is an error.
func (l *Listeners) takeGiven(given map[int]Given) error {
	for slot, place := range l.places {
		socket, is := given[slot]
		if !is {
			continue
		}
		bound, err := l.adopt(place, socket)
		switch {
		case err == nil:
			l.bound[slot] = bound
		case socket.Kept:
			_ = socket.Socket.Close()
		default:
			return err
		}
	}
	return nil
}

// TakeKept takes a socket that was kept for a slot, and is none of the slots' any more.
func TakeKept(place string, kept Given, options linux.SocketOptions) (Bound, error) {
	bound, err := (&Listeners{options: options}).adopt(place, kept)
	if err != nil {
		_ = kept.Socket.Close()
	}
	return bound, err
}

func (l *Listeners) adopt(place string, given Given) (Bound, error) {
	at, err := linux.ListeningAt(given.Socket)
	if err != nil {
		return Bound{}, hint.Errorf("ListenStream="+place, "take the socket of %s: it %w", place, err)
	}
	if !samePlace(at, place) {
		return Bound{}, hint.Errorf("ListenStream="+place+", or --socket-dir "+filepath.Dir(at), "take the socket of %s: it listens at %s: %w", place, at, errElsewhere)
	}
	if err := linux.Adopt(given.Socket); err != nil {
		return Bound{}, fmt.Errorf("take the socket of %s: %w", place, err)
	}
	socket, err := given.Socket.Stat()
	if err != nil {
		return Bound{}, fmt.Errorf("look at the socket of %s: %w", place, err)
	}
	bound := Bound{Listener: given.Socket, Inode: socket.Sys().(*syscall.Stat_t).Ino, Given: !given.Kept, Kept: given.Kept}
	if IsPort(place) || bound.Given {
		return bound, nil
	}
	return bound, l.nameKept(place, &bound)
}

// nameKept notes the file of a kept socket, if it is still there. One that is not as it is to be is removed: the socket is bound anew.
func (l *Listeners) nameKept(path string, bound *Bound) error {
	info, err := os.Lstat(path)
	if err != nil {
		return fmt.Errorf("look at socket: %w", err)
	}
	if info.Mode().Type() != fs.ModeSocket {
		return errElsewhere
	}
	if pid, listening, err := linux.SocketPeer(path); err != nil || !listening || pid != 0 && pid != os.Getpid() {
		return errElsewhere
	}
	bound.File = nameFile(path, info)
	owner := info.Sys().(*syscall.Stat_t)
	if info.Mode().Perm() != l.options.Mode.Perm() || l.options.Gid >= 0 && int(owner.Gid) != l.options.Gid || l.options.Uid > 0 && int(owner.Uid) != l.options.Uid {
		bound.File.Remove()
		return errElsewhere
	}
	return nil
}

// samePlace says whether a socket that listens somewhere is one of a place.
func samePlace(at, place string) bool {
	if !IsPort(place) {
		return filepath.Clean(at) == filepath.Clean(place) || sameFolder(at, place)
	}
	have, err := netip.ParseAddrPort(at)
	want, err2 := netip.ParseAddrPort(place)
	return err == nil && err2 == nil && have.Port() == want.Port() && have.Addr().Unmap() == want.Addr().Unmap()
}

// sameFolder says whether two paths have the same name in the same folder, which links lead to: /var/run is /run.
func sameFolder(one, other string) bool {
	first, err := os.Stat(filepath.Dir(one))
	second, err2 := os.Stat(filepath.Dir(other))
	return err == nil && err2 == nil && filepath.Base(one) == filepath.Base(other) && os.SameFile(first, second)
}

// IsGiven says whether somebody else has bound the socket of a slot, and listens there for good.
func (l *Listeners) IsGiven(slot int) bool { return l.bound[slot].Given }

// Keep notes that somebody has a copy of a slot's socket, so that it is there, and to be found, when this process has ended.
func (l *Listeners) Keep(slot int) { l.bound[slot].Kept = true }
