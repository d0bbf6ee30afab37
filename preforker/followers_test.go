package preforker

import (
	"errors"
	"strings"
	"testing"

	"launcher/preforker/control"
	"launcher/preforker/core"
)

// TestFollowerThatDoesNotKeepUp is told so: the restart goes on, and the launcher does not end.
func TestFollowerThatDoesNotKeepUp(t *testing.T) {
	s := &Supervisor{notices: make(chan notice, 2), done: make(chan struct{}), followers: map[*follower]bool{}}
	reading, blocked := make(chan struct{}), make(chan struct{})
	ended := make(chan error, 1)
	go func() {
		_, err := s.restart(t.Context(), control.RestartRequest{}, func(any) {
			select {
			case <-reading:
			default:
				close(reading)
				<-blocked // as a client that does not read
			}
		})
		ended <- err
	}()
	s.followers[(<-s.notices).(followerCame).by] = true
	s.tellFollowers(core.RestartBegan{Number: 1, Generation: 2, Slots: 1})
	s.tellFollowers(core.LoadBegan{Generation: 2})
	<-reading
	for range followerFacts + 1 {
		s.tellFollowers(core.StopBegan{})
	}
	if len(s.followers) != 0 {
		t.Error("it still follows")
	}
	close(blocked)
	if err := <-ended; err == nil || errors.Is(err, control.ErrEnding) || !strings.Contains(err.Error(), "goes on") {
		t.Errorf("%v", err)
	}
}
