package front

import "net"

// Drainer is a listener that can end without resetting who has connected: Drain has nobody new do so, and Accept return those who
// have, and net.ErrClosed after the last of them.
type Drainer interface {
	net.Listener
	Drain()
}

// drainListener has a listener end. One that cannot be drained is closed, which ends its Accept alone where somebody else has the socket.
func drainListener(listener net.Listener) {
	if drainer, is := listener.(Drainer); is {
		drainer.Drain()
		return
	}
	_ = listener.Close() // there is no other way
}
