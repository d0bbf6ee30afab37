package sockets

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// Backlog empties the queue of a socket which is about to close. The web server has connected and
// sent its request, so closing the socket would reset the connections that wait, and no web server
// tries a request again of which it has sent a byte. They are handed to another socket byte by
// byte, or refused in the protocol where there is none.
type Backlog struct {
	Refuse func(net.Conn)      // answers a connection that nobody serves, and closes it
	Lost   func(error)         // is told why the rest of the queue could not be accepted
	Done   <-chan struct{}     // closed when conversations are to end soon
	Hurry  <-chan struct{}     // closed when nobody is to be waited for; nil: never
	Admits func(net.Addr) bool // says who may connect; nil: everybody

	until time.Time // for connections on their way; zero: waitTime
}

// maxConversations bounds the connections of one queue that are being answered: each costs up to
// two descriptors.
const maxConversations = 64

// Drain empties and closes the listener of a place that no new connection can reach. Onward are the
// places of the sockets that its connections go to, in turn, those that cannot be reached left out. It
// returns when all have ended.
func (b Backlog) Drain(listener *os.File, place string, onward []string) {
	var tasks sync.WaitGroup
	defer tasks.Wait()
	defer closeListener(listener, place)
	ended := make(chan struct{}, maxConversations)
	queue := queue{socket: listener, port: portOf(place), until: b.until}
	defer queue.giveUp()
	for taken, active := 0, 0; ; {
		if active == maxConversations {
			<-ended
			active--
		}
		conn, err := queue.next(b.Hurry)
		if errors.Is(err, syscall.EMFILE) && active > 0 {
			<-ended // one that ends gives its descriptors back
			active--
			continue
		}
		if err != nil {
			b.Lost(err)
			return
		}
		if conn == nil {
			return
		}
		first := taken
		taken++
		active++
		tasks.Go(func() {
			defer func() { ended <- struct{}{} }()
			switch {
			case b.Admits != nil && !b.Admits(conn.RemoteAddr()):
				_ = conn.Close() // as a worker does
			case !b.relayToAny(conn, onward, first):
				b.Refuse(conn)
			}
		})
	}
}

// lastRead is how long a web server may take to read what was written to it before the last worker
// left.
const lastRead = time.Second

// relayToAny joins a connection to the socket at one of some places: the first one that can be reached, beginning with the one whose turn
// it is. False: at none.
func (b Backlog) relayToAny(conn net.Conn, places []string, first int) bool {
	for i := range places {
		if b.relay(conn, places[(first+i)%len(places)]) {
			return true
		}
	}
	return false
}

// relay joins a connection to the socket at a place until both directions have
// ended. False: the socket could not be reached, and the connection is as it was.
func (b Backlog) relay(conn net.Conn, place string) bool {
	onward, err := net.Dial(Network(place), place)
	if err != nil {
		return false
	}
	defer conn.Close()
	defer onward.Close()
	ended := make(chan struct{})
	var watching sync.WaitGroup
	watching.Go(func() {
		select {
		case <-ended:
		case <-b.Done:
			_ = conn.SetDeadline(time.Now().Add(lastRead))
		}
	})
	defer watching.Wait()
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		_, _ = io.Copy(onward, conn)
		_ = onward.(interface{ CloseWrite() error }).CloseWrite()
	}()
	_, _ = io.Copy(conn, onward) // an end or a reset: both end it
	_ = conn.Close()             // ends the other direction
	<-sent
	close(ended)
	return true
}
