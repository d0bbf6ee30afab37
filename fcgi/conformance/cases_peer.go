package conformance

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"launcher/fcgi"
)

// peerCases are about peers that are silent or slow, and about what a process has open.
func peerCases() []Case {
	return []Case{
		{ID: "3-silent", Title: "a connection that sends nothing", Source: "3.2", Level: Should, Expect: "another request is served in the end", Waits: true,
			run: func(a *attempt) verdict {
				a.open()
				return a.othersAreServed()
			}},
		{ID: "4-slow", Title: "a head of which a byte comes each tenth of a second", Source: "3.2", Level: Should, Expect: "another request is served before it is whole",
			Waits: true, run: runSlowHead},
		{ID: "43-descriptors", Title: "more than 1,024 open files", Source: "select(2)", Level: Must, Expect: "served", Needs: CommandOpen, run: runDescriptors},
		{ID: "45-stderr", Title: "the application writes control characters to its error stream", Source: "5.3", Level: May,
			Expect: "a whole response; what goes to STDERR is told", Needs: CommandStderr, run: runStderr},
	}
}

// slowBeat is the time between two bytes of the slow head, of which one record would take an hour.
const slowBeat = 100 * time.Millisecond

func runSlowHead(a *attempt) verdict {
	x := a.open()
	over := make(chan struct{})
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		long := fcgi.Param{Name: "HTTP_X_LONG", Value: strings.Repeat("v", 40_000)}
		endless := head(id, 0, pairs(a.params(long)))
		ticks := time.NewTicker(slowBeat)
		defer ticks.Stop()
		for i := range endless {
			select {
			case <-ticks.C:
				x.send(endless[i : i+1])
			case <-over:
				return
			}
		}
	}()
	v := a.othersAreServed()
	close(over)
	<-stopped
	return v
}

func runDescriptors(a *attempt) verdict {
	r := a.asks(CommandOpen, a.params(), "")
	switch {
	case r.is(refused) && r.status() == notImplemented:
		return skipped("the application cannot do that")
	case !r.is(served):
		return failed(r.String())
	}
	defer a.asks(CommandClose, a.params(), "")
	for range 5 {
		if r := a.asks("", a.params(), ""); !r.is(served) {
			return failed(r.String())
		}
	}
	return passed(r.String())
}

func runStderr(a *attempt) verdict {
	r := a.asks(CommandStderr, a.params(), "")
	switch {
	case !r.is(served):
		return failed(r.String())
	case len(r.stderr) == 0:
		return passed(r.String() + ", nothing in STDERR")
	case bytes.ContainsFunc(r.stderr, func(c rune) bool { return c < ' ' && c != '\n' && c != '\t' && c != '\r' || c == 0x7f }):
		return passed(fmt.Sprintf("%s, %d bytes in STDERR, with control characters", r, len(r.stderr)))
	default:
		return passed(fmt.Sprintf("%s, %d bytes in STDERR, without control characters", r, len(r.stderr)))
	}
}
