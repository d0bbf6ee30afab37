package sockets

import (
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
	"time"

	"launcher/preforker/linux"
)

const (
	// waitTime is how long a TCP connection that is being made is waited for. The client takes one round trip for its part,
	// and a second where a packet is lost.
	waitTime = time.Second
	// handshakePause is the time from one look at that to the next, which is twice as long: one may cost milliseconds.
	handshakePause    = 10 * time.Millisecond
	handshakePauseMax = 160 * time.Millisecond
)

// queue has the connections that wait at a socket that nobody new can reach, and those on their way there.
type queue struct {
	socket syscall.Conn
	port   int           // 0: where none are waited for that are on their way, as a unix socket makes a connection in one step
	until  time.Time     // for those; zero: waitTime, once one was looked for
	pause  time.Duration // that was chosen last; 0 once a connection has come
	taken  *os.File      // out of the queue, for want of a descriptor not yet a connection
}

// next takes a connection. It is nil where there is none. Once hurry is closed none on its way is waited for.
func (q *queue) next(hurry <-chan struct{}) (net.Conn, error) {
	for last := false; ; {
		conn, err := q.accept()
		if conn != nil || err != nil || last {
			return conn, err
		}
		if !q.mayCome() {
			last = true // one may have come before it was asked for
			continue
		}
		select {
		case <-hurry:
			return nil, nil
		case <-time.After(q.nextPause()):
		}
	}
}

// nextPause is the time until the next look.
func (q *queue) nextPause() time.Duration {
	q.pause = max(handshakePause, min(2*q.pause, handshakePauseMax))
	return q.pause
}

// mayCome says whether a connection is on its way. Where the kernel does not tell, none is; that there is no descriptor to ask it with
// passes.
func (q *queue) mayCome() bool {
	if q.port == 0 {
		return false
	}
	if q.until.IsZero() {
		q.until = time.Now().Add(waitTime)
	}
	n, err := linux.Handshakes(q.port)
	wanting := errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE)
	return (n > 0 || wanting) && time.Now().Before(q.until)
}

// accept takes a connection that is in the queue. It is nil where there is none.
func (q *queue) accept() (net.Conn, error) {
	var err error
	if q.taken == nil {
		if q.taken, err = linux.Accept(q.socket); q.taken == nil {
			return nil, err
		}
	}
	conn, err := net.FileConn(q.taken) // has a descriptor of its own
	if err != nil {
		return nil, fmt.Errorf("take connection: %w", err)
	}
	_ = q.taken.Close()
	q.taken, q.pause = nil, 0
	return conn, nil
}

// giveUp resets the connection that is taken and for which there was no descriptor, where there is one.
func (q *queue) giveUp() {
	if q.taken != nil {
		_ = q.taken.Close()
		q.taken = nil
	}
}
