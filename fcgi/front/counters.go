package front

import (
	"sync/atomic"
)

// Counters count what no worker has answered. A Listener has them, and a Handler gets them with its Config, so that they are those
// of all.
type Counters struct {
	refused    [refusals]atomic.Uint64
	unanswered [unansweredReasons]atomic.Uint64

	accepted, evicted, handshakes atomic.Uint64 // connections
}

// Counts are what Counters have counted at a moment.
type Counts struct {
	Refused    []RefusedCount // one for each reason, in the order of their codes
	Unanswered []UnansweredCount
	Accepted   uint64 // connections
	Evicted    uint64 // connections that made room for others
	Handshakes uint64 // of TLS, that have failed
}

// RefusedCount is how many requests were answered by the front in the place of a worker, with one code and for one reason.
type RefusedCount struct {
	Code   int
	Reason string
	Count  uint64
}

// UnansweredCount is how many requests, or beginnings of such, have no answer, for one reason.
type UnansweredCount struct {
	Reason string
	Count  uint64
}

// Counts returns what was counted so far.
func (c *Counters) Counts() Counts {
	counts := Counts{Accepted: c.accepted.Load(), Evicted: c.evicted.Load(), Handshakes: c.handshakes.Load()}
	for kind, known := range refusalKinds {
		counts.Refused = append(counts.Refused, RefusedCount{known.code, known.reason, c.refused[kind].Load()})
	}
	for kind, reason := range unansweredNames {
		counts.Unanswered = append(counts.Unanswered, UnansweredCount{reason, c.unanswered[kind].Load()})
	}
	return counts
}

// refusedByServer counts a response of net/http's own, which it makes of what is no request.
func (c *Counters) refusedByServer(code int) {
	kind, known := map[int]refusal{417: refusedExpectation, 431: refusedHead, 501: refusedUnsupported, 505: refusedVersion}[code]
	if !known {
		kind = refusedMalformed
	}
	c.refused[kind].Add(1)
}

// unanswered is why a request has no answer.
type unanswered int

const (
	clientLeft unanswered = iota
	headStalled
	madeRoom
	protocolError
	serverStopped
	unansweredReasons
)

var unansweredNames = [unansweredReasons]string{
	clientLeft:    "client left",
	headStalled:   "head timeout",
	madeRoom:      "made room",
	protocolError: "HTTP/2 error",
	serverStopped: "stopping",
}
