package preforker

import (
	"context"
	"slices"

	"launcher/preforker/control"
)

// serveControl answers at the control socket until the loop has ended, or the socket is replaced.
func (s *Supervisor) serveControl() {
	server := s.control
	s.tasks.Go(func() { server.Serve(s.done, s.verbs()...) })
}

// verbs are what can be asked at the control socket.
func (s *Supervisor) verbs() []control.Verb {
	verbs := []control.Verb{control.StatusVerb(s.Status), control.RestartVerb(s.restart), control.ScaleVerb(s.askToScale),
		control.ReopenVerb(s.reopen), control.StopVerb(s.stop), control.KillVerb(s.kill), control.BacktraceVerb(s.backtrace),
		control.ReforkVerb(s.refork), control.EventsVerb(s.lastEvents), control.FollowEventsVerb(s.followEvents)}
	return slices.Concat(verbs, control.Probes(s.Readiness), s.config.Pages)
}

// askToScale has the loop change the number of slots, and waits for what it comes to.
func (s *Supervisor) askToScale(ctx context.Context, request control.ScaleRequest) (any, error) {
	if request.Slots != 0 && request.Change != 0 || request == (control.ScaleRequest{}) {
		return nil, control.BadRequest(`curl --data '{"slots": 4}'`, "scale: either slots or change is to be there")
	}
	reply := make(chan scaled, 1)
	select {
	case s.notices <- scaleAsked{by: "launcher scale", request: request, reply: reply, gone: ctx.Done()}:
	case <-s.done:
		return nil, control.ErrEnding
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	select {
	case done := <-reply:
		if done.err != nil {
			return nil, done.err
		}
		return done.result, nil
	case <-s.done:
		return nil, control.ErrEnding
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}
