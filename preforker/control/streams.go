package control

import (
	"context"
	"slices"
	"sync"

	"launcher/preforker/hint"
)

// maxStreams are written to at once, at one listener. They are among maxFollowers.
const maxStreams = 16

// streams are the clients that are sent something without an end. Where there are as many as there may be, the oldest gives way to the
// next one: whether a client reads what it is sent is not known until the kernel keeps no more of it.
type streams struct {
	places chan struct{}

	mu   sync.Mutex
	open []*streaming // the oldest first
}

// streaming is one of them.
type streaming struct {
	client *client
	end    context.CancelFunc // of its context, which its connection's end may not tell: a byte after the head, and net/http looks no more
}

func newStreams() *streams { return &streams{places: make(chan struct{}, maxStreams)} }

// enter takes a place, which the oldest has given back by then. Give it back with leave.
func (s *streams) enter(ctx context.Context, one *streaming) error {
	select {
	case s.places <- struct{}{}:
	default:
		s.closeOldest()
		select {
		case s.places <- struct{}{}:
		case <-ctx.Done():
			return hint.Errorf("ask again", "none of %d streams has ended in time", maxStreams)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open = append(s.open, one)
	return nil
}

func (s *streams) leave(one *streaming) {
	s.remove(one)
	<-s.places
}

// closeOldest ends the conversation with the oldest, which is asked to end no second time.
func (s *streams) closeOldest() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.open) > 0 {
		_ = s.open[0].client.Conn.Close() // what is being written ends
		s.open[0].end()
		s.open = slices.Delete(s.open, 0, 1)
	}
}

func (s *streams) remove(one *streaming) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := slices.Index(s.open, one); i >= 0 {
		s.open = slices.Delete(s.open, i, i+1)
	}
}
