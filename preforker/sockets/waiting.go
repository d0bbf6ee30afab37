package sockets

import (
	"net"
	"sync"
	"syscall"
	"time"
)

// Waiting is a listener of those who have connected to a socket that nobody new can reach: its Accept returns net.ErrClosed when
// there is none any more. To clients of TCP a connection is there before the kernel has it in the queue, so those on their way
// belong to them. The socket stays open.
type Waiting struct {
	queue
	address net.Addr
	end     time.Time // when nobody is taken any more; zero: when none waits
	closing sync.Once
	closed  chan struct{}
}

// NewWaiting returns one of a listening socket at an address. Where it is not hidden, so that others can come meanwhile, it ends after a
// second.
func NewWaiting(socket syscall.Conn, address net.Addr, hidden bool) *Waiting {
	port := 0
	if tcp, is := address.(*net.TCPAddr); is {
		port = tcp.Port
	}
	w := &Waiting{address: address, closed: make(chan struct{})}
	if !hidden {
		w.end, port = time.Now().Add(waitTime), 0 // there may always be some on their way
	}
	w.queue = queue{socket: socket, port: port}
	return w
}

// Accept implements net.Listener.
func (w *Waiting) Accept() (net.Conn, error) {
	if w.isOver() {
		w.giveUp()
		return nil, net.ErrClosed
	}
	conn, err := w.next(w.closed)
	if conn == nil && err == nil {
		err = net.ErrClosed
	}
	return conn, err
}

func (w *Waiting) isOver() bool {
	select {
	case <-w.closed:
		return true
	default:
		return !w.end.IsZero() && time.Now().After(w.end)
	}
}

// Drain has it end with the last who waits, as it does anyway.
func (w *Waiting) Drain() {}

// Close implements net.Listener.
func (w *Waiting) Close() error {
	w.closing.Do(func() { close(w.closed) })
	return nil
}

// Addr implements net.Listener.
func (w *Waiting) Addr() net.Addr { return w.address }
