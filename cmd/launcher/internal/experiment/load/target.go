package load

import (
	"context"
	"errors"
	"net/http"
)

// Target is where requests go. HTTP and FastCGI make one.
type Target interface {
	// prepare encodes the requests of a plan, and returns what opens a slot. A slot connects with its
	// first request.
	prepare(plan *Plan) (open func() slot, err error)
}

// slot makes one request at a time. It belongs to one goroutine.
type slot interface {
	// request makes one of the plan's requests, or, where it is not nil, that of own, and reads the
	// whole response. The end of ctx cuts it. The note is right beside an error too.
	request(ctx context.Context, kind int, own *message) (Response, note, error)
	// close ends what is open.
	close()
}

// Response is a whole response, of whatever status.
type Response struct {
	Status int
	Header http.Header
	Bytes  int64  // of the body
	page   []byte // its beginning, where the plan wants a text of it
}

// note is what else came of a request.
type note struct {
	connects int    // connections made for it
	retried  bool   // it was sent again, because the kept connection had been closed
	stderr   string // the first line that the worker wrote to its error stream meanwhile
	lines    int    // how many those were
}

// readBuffer is how much of a response is read at once.
const readBuffer = 32 << 10

// Probe makes the plan's first request once and returns the response. One that Run would
// count as an error is an error here.
func Probe(ctx context.Context, target Target, plan Plan) (Response, error) {
	if err := plan.checkRequest(); err != nil {
		return Response{}, err
	}
	open, err := target.prepare(&plan)
	if err != nil {
		return Response{}, err
	}
	v := newVisitor(&plan, open())
	defer v.close()
	response, noted, _, err := v.request(ctx, 0, nil)
	if err != nil && ctx.Err() != nil {
		return response, context.Cause(ctx)
	}
	if text := failureText(&plan, 0, response, err); text != "" {
		return response, errors.New(withStderr(text, noted.stderr))
	}
	return response, nil
}
