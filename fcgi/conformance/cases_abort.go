package conformance

import (
	"fmt"
	"net"
	"slices"

	"launcher/fcgi"
)

// abortCases are about requests that nobody wants the response to any more.
func abortCases() []Case {
	return []Case{
		{ID: "36-params", Title: "ABORT_REQUEST before the end of PARAMS", Source: "5.4", Level: Must, Expect: "END_REQUEST",
			run: sends(whole, func(a *attempt) []byte {
				return slices.Concat(begin(id, fcgi.RoleResponder, 0), piece(fcgi.TypeParams, pairs(a.params())), piece(fcgi.TypeAbortRequest, nil))
			})},
		{ID: "36-body", Title: "ABORT_REQUEST in the middle of the body", Source: "5.4", Level: Must, Expect: "END_REQUEST",
			run: sends(whole, func(a *attempt) []byte {
				return slices.Concat(head(id, 0, pairs(post(a.params(), "100"))), piece(fcgi.TypeStdin, []byte("abc")), piece(fcgi.TypeAbortRequest, nil))
			})},
		{ID: "36-response", Title: "ABORT_REQUEST in the middle of the response", Source: "5.4", Level: Should, Expect: "END_REQUEST before the whole response has come",
			Needs: CommandBig, run: inMidResponse(runAbortedResponse)},
		{ID: "37-gone", Title: "the peer leaves as soon as it has sent the request, five times", Source: "5.4", Level: Must, Expect: "the responder lives",
			run: func(a *attempt) verdict {
				for range 5 {
					a.connect().send(a.get(0)).close()
				}
				return passed("left")
			}},
		{ID: "37-response", Title: "the peer leaves in the middle of the response", Source: "5.4", Level: Must, Expect: "the responder lives", Needs: CommandBig,
			run: inMidResponse(func(_ *attempt, x *exchange) verdict {
				x.close()
				return passed("left")
			})},
		{ID: "38-unread", Title: "a peer that never reads", Source: "5.3", Level: Should, Expect: "another request is served in the end", Needs: CommandBig, Waits: true,
			run: inMidResponse(func(a *attempt, _ *exchange) verdict { return a.othersAreServed() })},
		{ID: "51-epipe", Title: "the peer closes its reading side in the middle of the response", Source: "5.3", Level: Should,
			Expect: "another request is served in the end", Needs: CommandBig, run: inMidResponse(runBrokenPipe)},
	}
}

// inMidResponse is a case that begins where the responder sends a response that no buffer holds, and has to wait.
func inMidResponse(run func(a *attempt, x *exchange) verdict) func(*attempt) verdict {
	return func(a *attempt) verdict {
		x := a.connect().send(head(id, 0, pairs(a.tells(a.params(), CommandBig))), stdin(""))
		if !x.first() {
			return failed("no response")
		}
		if r := x.soFar(); r.status() == notImplemented {
			return skipped("the application cannot do that")
		}
		return run(a, x)
	}
}

func runAbortedResponse(a *attempt, x *exchange) verdict {
	r := x.send(piece(fcgi.TypeAbortRequest, nil)).replyWithin(id, a.deadline)
	if !r.done {
		return failed(r.String())
	}
	return when(r.total < bigBytes, fmt.Sprintf("END_REQUEST after %d of %d MiB", r.total>>20, bigBytes>>20))
}

func runBrokenPipe(a *attempt, x *exchange) verdict {
	half, ok := x.conn.(*net.UnixConn)
	if !ok {
		return skipped("a connection of TCP has no such end: the peer would have to leave")
	}
	if err := half.CloseRead(); err != nil {
		return failed(err.Error())
	}
	x.listen() // what was written before makes room, so that the next write meets the end
	return a.othersAreServed()
}

// othersAreServed passes where a plain request is served beside the connections that are there.
func (a *attempt) othersAreServed() verdict {
	r, took := a.another()
	return when(r.is(served), fmt.Sprintf("another request: %s after %.1f s", r, took.Seconds()))
}
