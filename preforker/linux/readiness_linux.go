package linux

import "os"

// Readiness tells when a connection waits at listening sockets, and takes none: each socket is asked about once, and tells once. Its
// methods but Wait are for one goroutine.
type Readiness struct{ poller *poller }

// NewReadiness makes one that asks about no socket.
func NewReadiness() (*Readiness, error) {
	p, err := newPoller()
	if err != nil {
		return nil, err
	}
	return &Readiness{p}, nil
}

// Ask has Wait return a number once a connection waits at a listener, which may be so already.
func (r *Readiness) Ask(listener *os.File, number int) error { return r.poller.ask(listener, number) }

// Forget asks about a listener no more. It comes before the listener is closed: others have the same socket, so that the kernel would
// not notice.
func (r *Readiness) Forget(listener *os.File) { r.poller.forget(listener) }

// Wait calls with the number of each socket at which a connection waits. It returns when Close is called.
func (r *Readiness) Wait(ready func(number int)) error { return r.poller.wait(ready) }

// Close ends Wait, or what Wait has not been called on.
func (r *Readiness) Close() { r.poller.close() }
