package sockets

import (
	"fmt"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"launcher/preforker/linux"
)

const (
	// waitTime is how long a TCP connection that is being made is waited for. The client takes one round trip for its part,
	// and a second where a packet is lost.
	waitTime = time.Second
	// handshakePause is the time from one look at that to the next.
	handshakePause = 10 * time.Millisecond
)

// Waiting is a listener of those who have connected to a socket that nobody new can reach: its Accept returns net.ErrClosed when
// there is none any more. To clients of TCP a connection is there before the kernel has it in the queue, so those on their way
// belong to them. The socket stays open.
type Waiting struct {
	waiting
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
	w.waiting = waiting{socket: socket, port: port}
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

// waiting are the connections in the queue of a socket that nobody new can reach, and those on their way there.
type waiting struct {
	socket syscall.Conn
	port   int       // 0: where none are waited for that are on their way, as a unix socket makes a connection in one step
	until  time.Time // for those; zero: waitTime, once one was looked for
	taken  *os.File  // out of the queue, for want of a descriptor not yet a connection
}

// next takes a connection. It is nil where there is none. Once hurry is closed none on its way is waited for.
func (w *waiting) next(hurry <-chan struct{}) (net.Conn, error) {
	for last := false; ; {
		conn, err := w.accept()
		if conn != nil || err != nil || last {
			return conn, err
		}
		if !w.mayCome() {
			last = true // one may have come before it was asked for
			continue
		}
		select {
		case <-hurry:
			return nil, nil
		case <-time.After(handshakePause):
		}
	}
}

// mayCome says whether a connection is on its way. Where the kernel does not tell, none is.
func (w *waiting) mayCome() bool {
	if w.port == 0 {
		return false
	}
	if w.until.IsZero() {
		w.until = time.Now().Add(waitTime)
	}
	n, err := linux.Handshakes(w.port)
	return err == nil && n > 0 && time.Now().Before(w.until)
}

// accept takes a connection that is in the queue. It is nil where there is none.
func (w *waiting) accept() (net.Conn, error) {
	var err error
	if w.taken == nil {
		if w.taken, err = linux.Accept(w.socket); w.taken == nil {
			return nil, err
		}
	}
	conn, err := net.FileConn(w.taken) // has a descriptor of its own
	if err != nil {
		return nil, fmt.Errorf("take connection: %w", err)
	}
	_ = w.taken.Close()
	w.taken = nil
	return conn, nil
}

// giveUp resets the connection that is taken and for which there was no descriptor, where there is one.
func (w *waiting) giveUp() {
	if w.taken != nil {
		_ = w.taken.Close()
		w.taken = nil
	}
}
