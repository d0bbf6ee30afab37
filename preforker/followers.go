package preforker

import (
	"context"

	"launcher/preforker/control"
	"launcher/preforker/core"
	"launcher/preforker/hint"
)

// follower is told the facts of the core, from the event on that it has come with.
type follower struct {
	facts chan core.Fact // closed when it does not keep up
}

// errBehind is for a client that has not read for too long what it follows.
var errBehind = hint.Errorf("see how it ends: launcher status", "follow what was asked for, which goes on: its progress was not read in time")

// followerFacts is how many facts wait for a follower. The loop waits for nobody.
const followerFacts = 4096

// The notices of followers: one comes with an event, and leaves.
type (
	followerCame struct {
		by    *follower
		event core.Event
	}
	followerLeft struct{ by *follower }
)

// follow has the core take an event, unless that is nil, and returns the facts from there on. They end when end is called, and when nobody reads
// them for too long.
func (s *Supervisor) follow(ctx context.Context, event core.Event) (facts <-chan core.Fact, end func(), err error) {
	by := &follower{facts: make(chan core.Fact, followerFacts)}
	select {
	case s.notices <- followerCame{by, event}:
		return by.facts, func() { s.post(followerLeft{by}) }, nil
	case <-s.done:
		return nil, nil, control.ErrEnding
	case <-ctx.Done():
		return nil, nil, context.Cause(ctx)
	}
}

// tellFollowers hands a fact to whoever follows.
func (s *Supervisor) tellFollowers(fact core.Fact) {
	for by := range s.followers {
		select {
		case by.facts <- fact:
		default:
			s.dismiss(by)
		}
	}
}

func (s *Supervisor) dismiss(by *follower) {
	if s.followers[by] {
		delete(s.followers, by)
		close(by.facts)
	}
}
