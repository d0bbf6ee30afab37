package sockets

import (
	"fmt"
	"net"
	"sync"
	"syscall"
	"time"

	"launcher/preforker/linux"
)

const (
	// handshakeTime is how long a TCP connection that is being made is waited for. The client takes one round trip for its part,
	// and a second where a packet is lost.
	handshakeTime = time.Second
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
	w := &Waiting{waiting: waitingAt(socket, port), address: address, closed: make(chan struct{})}
	if !hidden {
		w.end, w.until = w.until, time.Time{} // there may always be some on their way
	}
	return w
}

// Accept implements net.Listener.
func (w *Waiting) Accept() (net.Conn, error) {
	if !w.end.IsZero() && time.Now().After(w.end) {
		return nil, net.ErrClosed
	}
	select {
	case <-w.closed:
		return nil, net.ErrClosed
	default:
	}
	conn, err := w.next(w.closed)
	if conn == nil && err == nil {
		err = net.ErrClosed
	}
	return conn, err
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
	port   int       // 0: of a unix socket, which makes a connection in one step
	until  time.Time // for connections on their way
}

func waitingAt(socket syscall.Conn, port int) waiting {
	return waiting{socket: socket, port: port, until: time.Now().Add(handshakeTime)}
}

// next takes a connection. It is nil where there is none, and after done none on its way is waited for.
func (w *waiting) next(done <-chan struct{}) (net.Conn, error) {
	for last := false; ; {
		conn, err := accept(w.socket)
		if conn != nil || err != nil || last {
			return conn, err
		}
		if !w.mayCome() {
			last = true // one may have come before it was asked for
			continue
		}
		select {
		case <-done:
			return nil, nil
		case <-time.After(handshakePause):
		}
	}
}

// mayCome says whether a connection is on its way. Where the kernel does not tell, none is.
func (w *waiting) mayCome() bool {
	if w.port == 0 || !time.Now().Before(w.until) {
		return false
	}
	n, err := linux.Handshakes(w.port)
	return err == nil && n > 0
}

// accept takes a connection that is in the queue of a socket. It is nil where there is none.
func accept(socket syscall.Conn) (net.Conn, error) {
	file, err := linux.Accept(socket)
	if file == nil {
		return nil, err
	}
	defer file.Close() // FileConn makes its own
	conn, err := net.FileConn(file)
	if err != nil {
		return nil, fmt.Errorf("take connection: %w", err)
	}
	return conn, nil
}
