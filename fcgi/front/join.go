package front

import (
	"crypto/tls"
	"errors"
	"net"
	"sync"
)

// joined accepts from several listeners.
type joined struct {
	listeners []net.Listener
	arrived   chan arrival
	ended     chan struct{} // closed when none of them has a connection any more
	closed    chan struct{}
	closing   sync.Once
	err       error // of closing
	accepting sync.WaitGroup
}

type arrival struct {
	conn net.Conn
	err  error
}

// Join makes one listener of several, whose address is that of the first. Each holds one accepted connection at most
// that nobody has asked for yet.
func Join(listeners ...net.Listener) net.Listener {
	if len(listeners) == 1 {
		return listeners[0]
	}
	j := &joined{listeners: listeners, arrived: make(chan arrival), ended: make(chan struct{}), closed: make(chan struct{})}
	for _, listener := range listeners {
		j.accepting.Go(func() { j.accept(listener) })
	}
	go func() {
		defer close(j.ended)
		j.accepting.Wait()
	}()
	return j
}

func (j *joined) accept(listener net.Listener) {
	for {
		conn, err := listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		select {
		case j.arrived <- arrival{conn, err}: // with an error, who asks pauses before the next
		case <-j.closed:
			if conn != nil {
				_ = conn.Close() // nothing was read or written
			}
			return
		}
	}
}

// Accept returns the next connection of any of them.
func (j *joined) Accept() (net.Conn, error) {
	select {
	case <-j.closed:
		return nil, net.ErrClosed
	case <-j.ended:
		return nil, net.ErrClosed
	case next := <-j.arrived:
		return next.conn, next.err
	}
}

// Drain implements Drainer for them all.
func (j *joined) Drain() {
	for _, listener := range j.listeners {
		drainListener(listener)
	}
}

// Close closes them all.
func (j *joined) Close() error {
	j.closing.Do(func() {
		close(j.closed)
		for _, listener := range j.listeners {
			j.err = errors.Join(j.err, listener.Close())
		}
		<-j.ended
	})
	return j.err
}

// Addr is the address of the first.
func (j *joined) Addr() net.Addr { return j.listeners[0].Addr() }

// secured is a listener whose connections speak TLS, once a Listener has let them in.
type secured struct {
	net.Listener
	config *tls.Config
}

type securedConn struct {
	net.Conn
	config *tls.Config
}

// WithTLS has the connections of a listener speak TLS, and HTTP/2 with those that know it.
func WithTLS(listener net.Listener, certificate *Certificate) net.Listener {
	return &secured{listener, certificate.config()}
}

// Drain implements Drainer.
func (s *secured) Drain() { drainListener(s.Listener) }

func (s *secured) Accept() (net.Conn, error) {
	conn, err := s.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &securedConn{conn, s.config}, nil
}
