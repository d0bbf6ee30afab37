package load

import (
	"context"
	"errors"
	"net/http"
)

// Target is where requests go. HTTP and FastCGI make one.
type Target interface {
	// prepare encodes the requests of a plan. What it answers opens a slot; a slot
	// connects when it is first asked.
	prepare(plan *Plan) (open func() slot, err error)
}

// slot makes one request at a time. It belongs to one goroutine.
type slot interface {
	// ask requests one of the plan's paths and reads the whole answer. Done in ctx cuts
	// it. The note is right beside an error too.
	ask(ctx context.Context, path int) (Answer, note, error)
	// close ends what is open.
	close()
}

// Answer is a whole answer, of whatever status.
type Answer struct {
	Status int
	Header http.Header
	Bytes  int64 // of the body
}

// note is what else came of a request.
type note struct {
	connects int    // connections made for it
	retried  bool   // it was sent again, because the kept connection had been closed
	stderr   string // the first line that the worker wrote to its error stream meanwhile
	lines    int    // how many those were
}

// readBuffer is how much of an answer is read at once.
const readBuffer = 32 << 10

// Look asks once for the plan's first path and answers what came. An answer that Run would
// count as an error is one here.
func Look(ctx context.Context, target Target, plan Plan) (Answer, error) {
	if err := plan.checkRequest(); err != nil {
		return Answer{}, err
	}
	open, err := target.prepare(&plan)
	if err != nil {
		return Answer{}, err
	}
	s := open()
	defer s.close()
	answer, noted, err := s.ask(ctx, 0)
	if err != nil && ctx.Err() != nil {
		return answer, context.Cause(ctx)
	}
	if text := failureText(&plan, 0, answer, err); text != "" {
		return answer, errors.New(withStderr(text, noted.stderr))
	}
	return answer, nil
}
