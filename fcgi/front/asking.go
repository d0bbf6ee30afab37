package front

import (
	"bytes"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"os"
	"sync/atomic"
)

// asking is what is known of a connection's next request until a handler has it. What is no request net/http answers by itself, or not
// at all, and tells nobody: that is seen in what is written to the connection meanwhile, and in how it ends.
type asking struct {
	pending  atomic.Bool  // no handler has it
	code     atomic.Int32 // of net/http's response; 0: there is none
	sealed   atomic.Bool  // something as long as a response was written that is encrypted
	timedOut atomic.Bool  // it was waited for in vain
	over     atomic.Bool  // nothing follows

	// Guarded by the listener's mutex.
	begun bool // net/http has something of it
	later bool // there was one before
	read  int  // bytes that came since the one before, at least
}

// minSealed is how long a response of net/http's own is at least, and what else TLS writes to a client at most, once it has begun.
const minSealed = 64

// wrote looks at what is written while no handler has the request.
func (a *asking) wrote(p []byte) {
	const version = "HTTP/1."
	if len(p) >= len("HTTP/1.1 400") && bytes.HasPrefix(p, []byte(version)) {
		code := int32(0)
		for _, digit := range p[len(version)+2 : len(version)+5] {
			code = 10*code + int32(digit-'0')
		}
		a.code.Store(code)
	} else if len(p) >= minSealed {
		a.sealed.Store(true)
	}
}

// readFailed notes why nothing follows.
func (a *asking) readFailed(err error) {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		a.timedOut.Store(true)
	} else {
		a.over.Store(true)
	}
}

// next begins anew. The listener's mutex is held.
func (a *asking) next() {
	a.pending.Store(true)
	a.begun, a.later, a.read = false, true, 0
	a.timedOut.Store(false)
	a.forget()
}

// begins has net/http read it. What was written before is none of its responses. The listener's mutex is held.
func (a *asking) begins() {
	a.begun = true
	a.forget()
}

func (a *asking) forget() {
	a.code.Store(0)
	a.sealed.Store(false)
}

// noteEnd counts what a connection that has ended has asked for, where no handler had it.
func (l *Listener) noteEnd(c *conn, accepted net.Conn) {
	if secured, encrypted := accepted.(*tls.Conn); encrypted {
		switch state := secured.ConnectionState(); { // without the mutex: a handshake reads
		case !state.HandshakeComplete:
			l.noteHandshake(c)
			return
		case state.NegotiatedProtocol == "h2":
			return // its server counts
		}
	}
	a := &c.asking
	l.mu.Lock()
	begun, later, read, evicted := a.begun, a.later, a.read, c.evicted
	l.mu.Unlock()
	code := int(a.code.Load())
	sealed := code == 0 && a.sealed.Load() && (begun || later)
	if sealed {
		if code = http.StatusBadRequest; read > maxHeaderBytes {
			code = http.StatusRequestHeaderFieldsTooLarge
		}
	}
	switch {
	case evicted || !a.pending.Load() || !begun && code == 0:
	case a.over.Load() && !l.isClosed(): // net/http may have answered that it is not whole
		l.counters.unanswered[clientLeft].Add(1)
	case a.timedOut.Load() && code > 0:
		l.counters.refused[refusedSlow].Add(1)
	case a.timedOut.Load():
		l.counters.unanswered[headStalled].Add(1)
	case code > 0:
		l.counters.refusedByServer(code)
	default:
		l.counters.unanswered[serverStopped].Add(1)
	}
}

// noteHandshake counts one that has failed. Who has connected and sent nothing has not begun any.
func (l *Listener) noteHandshake(c *conn) {
	l.mu.Lock()
	began, evicted := c.asking.read > 0, c.evicted
	l.mu.Unlock()
	switch {
	case evicted || !began:
	case c.asking.code.Load() > 0: // it speaks no TLS, but HTTP, and net/http has said so
		l.counters.refused[refusedMalformed].Add(1)
	default:
		l.counters.handshakes.Add(1)
	}
}

func (l *Listener) isClosed() bool {
	select {
	case <-l.closed:
		return true
	default:
		return false
	}
}
