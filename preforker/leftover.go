package preforker

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"time"

	"launcher/preforker/linux"
)

// Leftovers are connections that wait in the queue of a socket which is about to close.
// The web server has connected and sent its request, so closing the socket would
// reset them, and no web server tries a request again of which it has sent a
// byte. They are handed to a neighbour's socket byte by byte, or refused in the
// protocol where there is none.

// closeSlot takes a slot's socket away while the others go on.
func (s *Supervisor) closeSlot(slot int) {
	s.sockets.hideSlot(slot)
	listener := s.sockets.take(slot)
	if listener == nil {
		return
	}
	neighbours := s.neighbours(slot)
	s.tasks.Go(func() { s.clear(listener, neighbours) })
}

// neighbours are the sockets of the other slots that have a ready worker.
func (s *Supervisor) neighbours(slot int) []string {
	var paths []string
	for _, other := range s.core.slots {
		if w := other.serving(); other.number != slot && w != nil && w.state == WorkerReady {
			paths = append(paths, s.sockets.paths[other.number])
		}
	}
	return paths
}

// turnAway refuses what still waits when the last worker has left: the queues of
// slots that had none.
func (s *Supervisor) turnAway() {
	for slot := range s.sockets.listeners {
		if listener := s.sockets.take(slot); listener != nil {
			s.tasks.Go(func() { s.clear(listener, nil) })
		}
	}
}

// clearAtOnce bounds the connections of one queue that are being answered: each costs
// up to two descriptors.
const clearAtOnce = 64

// clear empties and closes a listener that no new connection can reach.
func (s *Supervisor) clear(listener *os.File, neighbours []string) {
	defer listener.Close()
	ended := make(chan struct{}, clearAtOnce)
	for taken, active := 0, 0; ; {
		if active == clearAtOnce {
			<-ended
			active--
		}
		conn, err := acceptConn(listener)
		if errors.Is(err, syscall.EMFILE) && active > 0 {
			<-ended // one that ends gives its descriptors back
			active--
			continue
		}
		if err != nil {
			s.log.Warn("a waiting connection was lost", keyError, err)
			return
		}
		if conn == nil {
			return
		}
		neighbour := ""
		if len(neighbours) > 0 {
			neighbour = neighbours[taken%len(neighbours)]
		}
		taken++
		active++
		s.tasks.Go(func() {
			defer func() { ended <- struct{}{} }()
			if neighbour == "" || !s.relay(conn, neighbour) {
				s.config.Refuse(conn)
			}
		})
	}
}

func acceptConn(listener *os.File) (net.Conn, error) {
	file, err := linux.Accept(listener)
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

// lastWords is how long a web server may take to read what was written to it
// before the last worker left.
const lastWords = time.Second

// relay joins a connection to the socket at path until both directions have
// ended. False: the socket could not be reached, and the connection is as it was.
func (s *Supervisor) relay(conn net.Conn, path string) bool {
	onward, err := net.Dial("unix", path)
	if err != nil {
		return false
	}
	defer conn.Close()
	defer onward.Close()
	ended := make(chan struct{})
	s.tasks.Go(func() {
		select {
		case <-ended:
		case <-s.done:
			_ = conn.SetDeadline(time.Now().Add(lastWords))
		}
	})
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		_, _ = io.Copy(onward, conn)
		_ = onward.(*net.UnixConn).CloseWrite()
	}()
	_, _ = io.Copy(conn, onward) // an end or a reset: both end it
	_ = conn.Close()             // ends the other direction
	<-sent
	close(ended)
	return true
}
