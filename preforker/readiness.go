package preforker

import (
	"context"

	"launcher/preforker/control"
	"launcher/preforker/core"
)

// readinessAsked has the loop reply whether requests are served. The channel has room for it.
type readinessAsked struct{ reply chan control.Readiness }

// Readiness asks the loop, and nobody else, whether requests are served.
func (s *Supervisor) Readiness(ctx context.Context) (control.Readiness, error) {
	asked := readinessAsked{make(chan control.Readiness, 1)}
	return askLoop(ctx, s, asked, asked.reply)
}

// askLoop posts a notice, and returns what the loop replies to it.
func askLoop[R any](ctx context.Context, s *Supervisor, asked notice, reply <-chan R) (told R, err error) {
	select {
	case s.notices <- asked:
	case <-s.done:
		return told, control.ErrEnding
	case <-ctx.Done():
		return told, context.Cause(ctx)
	}
	select {
	case told = <-reply:
		return told, nil
	case <-s.done:
		return told, control.ErrEnding
	case <-ctx.Done():
		return told, context.Cause(ctx)
	}
}

// readinessOf tells whether requests are served, of how the service is. Workers of an older generation serve them as well.
func readinessOf(c Condition) control.Readiness {
	readiness := control.Readiness{State: c.Phase.String(), Slots: c.Slots, Served: c.Served}
	switch {
	case c.Phase > core.PhaseRunning:
		readiness.Reason = control.UnreadyStopping
	case c.Served > 0:
		readiness.Ready = true
	case c.Failing, c.Waiting > 0 && c.Waiting+c.Parked == c.Slots:
		readiness.Reason = control.UnreadyFailing
	case c.Loading, c.Generation == 0:
		readiness.Reason = control.UnreadyLoading
	default:
		readiness.Reason = control.UnreadyNoWorker
	}
	return readiness
}
