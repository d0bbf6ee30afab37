package conformance

import (
	"fmt"
	"slices"

	"launcher/fcgi"
)

// roleCases are about the beginning of requests.
func roleCases() []Case {
	cases := []Case{
		{ID: "8-id-0", Title: "BEGIN_REQUEST for request 0", Source: "3.3, 4", Level: Should, Expect: "closed, or UNKNOWN_TYPE", run: runIDZero},
		{ID: "9-params", Title: "a second request on the connection, before the end of PARAMS", Source: "5.5", Level: Must,
			Expect: "CANT_MPX_CONN for it, the first is served; or both are served", run: runMultiplexed(func(a *attempt) []byte {
				own := pairs(a.params())
				return slices.Concat(begin(id, fcgi.RoleResponder, 0), head(2, 0, own), stream(fcgi.TypeParams, id, own), stdin(""), stream(fcgi.TypeStdin, 2, nil))
			})},
		{ID: "9-body", Title: "a second request on the connection, in the middle of the body", Source: "5.5", Level: Should,
			Expect: "CANT_MPX_CONN for it, the first is served; or both are served", run: posting(runMultiplexed(func(a *attempt) []byte {
				second := append(head(2, 0, pairs(a.params())), stream(fcgi.TypeStdin, 2, nil)...)
				return slices.Concat(head(id, 0, pairs(post(a.params(), "4"))), piece(fcgi.TypeStdin, []byte("ab")), second, stdin("cd"))
			}))},
		{ID: "10-params", Title: "BEGIN_REQUEST twice for one request, before PARAMS", Source: "3.3", Level: Should, Expect: "closed, or END_REQUEST with a reason",
			run: sends(closed|rejected|refused, func(a *attempt) []byte { return append(begin(id, fcgi.RoleResponder, 0), a.get(0)...) })},
		{ID: "10-body", Title: "BEGIN_REQUEST once more in the middle of the body", Source: "3.3", Level: May, Expect: "closed, refused, or the body goes on",
			run: posting(sends(closed|rejected|refused|served, func(a *attempt) []byte {
				half := append(head(id, 0, pairs(post(a.params(), "4"))), piece(fcgi.TypeStdin, []byte("ab"))...)
				return slices.Concat(half, begin(id, fcgi.RoleResponder, 0), stdin("cd"))
			}))},
	}
	for _, size := range []int{0, 7, 9, 16} {
		cases = append(cases, Case{ID: fmt.Sprintf("6-begin-%d", size), Title: fmt.Sprintf("BEGIN_REQUEST of %d bytes", size), Source: "5.1", Level: Should,
			Expect: "closed", run: sends(closed|rejected, func(a *attempt) []byte {
				body := append(beginBody(fcgi.RoleResponder, 0), make([]byte, 8)...)[:size]
				rest := a.get(0)[len(begin(id, fcgi.RoleResponder, 0)):]
				return append(piece(fcgi.TypeBeginRequest, body), rest...)
			})})
	}
	for _, role := range []struct {
		name   string
		number fcgi.Role
		level  Level
		accept kind
		expect string
	}{
		{"0", 0, Must, rejected, "UNKNOWN_ROLE"},
		{"authorizer", fcgi.RoleAuthorizer, May, rejected | whole, "UNKNOWN_ROLE, or an answer in that role"},
		{"filter", fcgi.RoleFilter, May, rejected | whole, "UNKNOWN_ROLE, or an answer in that role"},
		{"99", 99, Must, rejected, "UNKNOWN_ROLE"},
	} {
		cases = append(cases, Case{ID: "7-role-" + role.name, Title: "the role " + role.name, Source: "5.5, 6", Level: role.level, Expect: role.expect,
			run: func(a *attempt) verdict {
				x := a.open().send(begin(id, role.number, 0), stream(fcgi.TypeParams, id, pairs(a.params())), stdin(""), stream(fcgi.TypeData, id, nil))
				r := x.reply(id)
				return when(r.is(role.accept) && (!r.is(rejected) || r.protocol == fcgi.StatusUnknownRole), r.String())
			}})
	}
	return cases
}

func runIDZero(a *attempt) verdict {
	x := a.open().send(head(0, 0, pairs(a.params())), stream(fcgi.TypeStdin, 0, nil))
	x.await(a.timeout, func() bool { return len(x.management) > 0 })
	r := x.replyWithin(id, 0)
	if records := x.managed(0); len(records) > 0 {
		return when(records[0].Type == fcgi.TypeUnknownType, records[0].Type.String())
	}
	return when(r.is(closed), r.String())
}

// runMultiplexed sends requests 1 and 2 at once.
func runMultiplexed(bytes func(a *attempt) []byte) func(*attempt) verdict {
	return func(a *attempt) verdict {
		x := a.open().expects(2).send(bytes(a))
		first := x.reply(id)
		if !first.is(served) {
			return failed("the first: " + first.String())
		}
		second := x.replyWithin(2, a.timeout)
		got := fmt.Sprintf("the first: %s; the second: %s", first, second)
		return when(second.is(served) || second.is(rejected) && second.protocol == fcgi.StatusCantMultiplex, got)
	}
}
