package preforker

import (
	"context"
	"testing"
)

// TestKillAfterTheLoop: processes that boot has started are ended when the loop has ended, and a second signal
// may come meanwhile.
func TestKillAfterTheLoop(t *testing.T) {
	s := &Supervisor{events: make(chan event), done: make(chan struct{})}
	s.hurry, s.hasten = context.WithCancel(context.Background())
	close(s.done)
	if s.Kill("TERM"); s.hurry.Err() == nil {
		t.Error("they have their time all the same")
	}
}
