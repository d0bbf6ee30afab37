package sockets

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"launcher/preforker/hint"
	"launcher/preforker/linux"
)

// Bound is a listening socket, and its file where it is a unix socket.
type Bound struct {
	Listener *os.File // nil: closed, or given away
	File     NamedFile
	Inode    uint64 // of the socket itself, by which the kernel tells of its queue
	Given    bool   // by somebody who listens there for good: it can be neither hidden nor closed
	Kept     bool   // by somebody, beyond the end of this process
}

// Bind binds a socket where nothing is, or a stale one. Its errors name the path, and say what to
// do.
func Bind(path string, options linux.SocketOptions, stale Staleness) (Bound, error) {
	if err := checkPlace(path, stale); err != nil {
		return Bound{}, err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return Bound{}, hint.Errorf("remove it as its owner, or "+tryPlace, "remove stale socket: %w", err)
	}
	listener, err := linux.Listen(path, options)
	if err != nil {
		return Bound{}, hint.Errorf("check the permissions of the folder and the group, and the space on its disk, or "+tryPlace,
			"bind socket %s: %w", path, err)
	}
	bound, err := nameSocket(path, listener)
	if err != nil {
		_ = listener.Close()
	}
	return bound, err
}

// nameSocket notes which file and which socket have been bound.
func nameSocket(path string, listener *os.File) (Bound, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return Bound{}, fmt.Errorf("look at socket: %w", err)
	}
	socket, err := listener.Stat()
	if err != nil {
		return Bound{}, fmt.Errorf("look at socket %s: %w", path, err)
	}
	return Bound{Listener: listener, File: nameFile(path, info), Inode: socket.Sys().(*syscall.Stat_t).Ino}, nil
}

// Close removes the socket's file, if it is still its own, and closes the socket.
func (b Bound) Close() {
	if b.Listener != nil {
		b.File.Remove()
		_ = b.Listener.Close()
	}
}
