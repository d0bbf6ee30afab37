package sockets

import (
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Socket is a listener of the kernel's, as *net.TCPListener and *net.UnixListener are.
type Socket interface {
	net.Listener
	syscall.Conn
	SetDeadline(time.Time) error
}

// Emptied is a listener whose queue can be emptied before it ends. Closing a socket resets who waits there.
type Emptied struct {
	Socket
	hide    func() error
	left    atomic.Bool
	ending  sync.Once
	waiting atomic.Pointer[Waiting] // since nobody new can connect
}

// NewEmptied returns a listener that hide has nobody new connect to.
func NewEmptied(socket Socket, hide func() error) *Emptied {
	return &Emptied{Socket: socket, hide: hide}
}

// Leave leaves who waits at the end to another listener of the same socket.
func (e *Emptied) Leave() { e.left.Store(true) }

// Drain has nobody new connect, and Accept return those who have connected, and net.ErrClosed after the last of them. Where hide
// fails, others can come meanwhile, for a second. A socket that is left to another listener is closed.
func (e *Emptied) Drain() {
	e.ending.Do(func() {
		if e.left.Load() {
			_ = e.Socket.Close() // which ends Accept alone
			return
		}
		e.waiting.Store(NewWaiting(e.Socket, e.Addr(), e.hide() == nil))
		_ = e.SetDeadline(time.Unix(1, 0)) // ends the Accept that is under way; it fails where the socket is closed, as that does
	})
}

// Accept implements net.Listener.
func (e *Emptied) Accept() (net.Conn, error) {
	waiting := e.waiting.Load()
	if waiting == nil {
		conn, err := e.Socket.Accept()
		if waiting = e.waiting.Load(); err == nil || waiting == nil {
			return conn, err
		}
	}
	return waiting.Accept()
}

// Close implements net.Listener. Who waits is reset.
func (e *Emptied) Close() error {
	if waiting := e.waiting.Load(); waiting != nil {
		_ = waiting.Close() // does not fail
	}
	return e.Socket.Close()
}
