package conformance

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"launcher/fcgi"
)

// races is how often a kept connection is written to while another one makes it give way.
const races = 20

// soon is how long it is watched whether an idle connection is closed, which is only told.
const soon = time.Second

// keptCases are about connections after their first request.
func keptCases() []Case {
	return []Case{
		{ID: "39-kept", Title: "a kept connection is idle while another request comes", Source: "3.5, 5.1", Level: Should, Expect: "the other request is served in the end",
			Waits: true, run: runKept},
		{ID: "40-closes", Title: "a request without FCGI_KEEP_CONN", Source: "5.1", Level: Must, Expect: "served, then closed", run: func(a *attempt) verdict {
			x := a.open().send(a.get(0))
			r := x.reply(id)
			return when(r.is(served) && x.closes(), r.String()+", "+x.how())
		}},
		{ID: "40-lingers", Title: "a peer that keeps its side open after a response without FCGI_KEEP_CONN", Source: "5.1", Level: Should,
			Expect: "another request is served in the end", Waits: true, run: func(a *attempt) verdict {
				r := a.open().send(a.get(0)).reply(id)
				if !r.is(served) {
					return failed(r.String())
				}
				return a.othersAreServed()
			}},
		{ID: "40-second", Title: "a second request behind one without FCGI_KEEP_CONN", Source: "5.1", Level: Must, Expect: "ignored, and closed", run: runSecond},
		{ID: "40-keeps", Title: "two requests in turn with FCGI_KEEP_CONN", Source: "5.1", Level: May, Expect: "both are served, or closed after the first", run: runKeeps},
		{ID: "49-race", Title: "a kept connection is written to while it is closed, 20 times", Source: "5.1", Level: Must,
			Expect: "served whole, or closed without a byte; the other request is served", run: runRace},
	}
}

// kept is a connection with one request behind it that is to be kept.
func (a *attempt) kept() (*exchange, *reply) {
	x := a.open().expects(2).send(a.get(flagKeep))
	return x, x.reply(id)
}

func runKept(a *attempt) verdict {
	x, r := a.kept()
	if !r.is(served) {
		return failed(r.String())
	}
	v := a.othersAreServed()
	x.await(soon, func() bool { return false })
	v.got += "; the idle one " + x.how()
	return v
}

func runSecond(a *attempt) verdict {
	second := append(head(2, 0, pairs(a.params())), stream(fcgi.TypeStdin, 2, nil)...)
	x := a.open().expects(2).send(slices.Concat(a.get(0), second))
	r := x.reply(id)
	if !r.is(served) || !x.closes() {
		return failed(r.String() + ", " + x.how())
	}
	after := x.replyWithin(2, 0)
	return when(after.is(closed), fmt.Sprintf("%s, the second: %s", r, after))
}

func runKeeps(a *attempt) verdict {
	x, r := a.kept()
	if !r.is(served) {
		return failed(r.String())
	}
	second := append(head(2, 0, pairs(a.params())), stream(fcgi.TypeStdin, 2, nil)...)
	after := x.send(second).reply(2)
	return when(after.is(served|closed), fmt.Sprintf("%s, the second: %s", r, after))
}

func runRace(a *attempt) verdict {
	ended := map[kind]int{}
	for range races {
		x, r := a.kept()
		if !r.is(served) {
			return failed(r.String())
		}
		var other *reply
		var wait sync.WaitGroup
		wait.Go(func() { other = a.asks("", a.params(), "") })
		second := append(head(2, 0, pairs(a.params())), stream(fcgi.TypeStdin, 2, nil)...)
		after := x.send(second).reply(2)
		x.close() // as web servers do with what they do not keep
		wait.Wait()
		if !after.is(served|closed) || !other.is(served) {
			return failed(fmt.Sprintf("the kept one: %s; the other one: %s", after, other))
		}
		ended[after.kind()]++
	}
	return passed(fmt.Sprintf("%d served, %d closed without a byte", ended[served], ended[closed]))
}
