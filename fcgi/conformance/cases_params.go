package conformance

import (
	"fmt"
	"slices"
	"strings"

	"launcher/fcgi"
)

// Lengths in the name-value pairs of a hostile peer.
const (
	allOnes    = "\xff\xff\xff\xff\xff\xff\xff\xff"
	fiftyFifty = "\x32\x32abcdefgh"
)

// paramsCases are about the stream of parameters.
func paramsCases() []Case {
	behind := func(more string) func(*attempt) []byte {
		return func(a *attempt) []byte {
			return append(head(id, 0, append(pairs(a.params()), more...)), stdin("")...)
		}
	}
	return []Case{
		{ID: "15-huge", Title: "lengths of 2 GiB, ff ff ff ff twice", Source: "3.4, CVE-2025-23016", Level: Must, Expect: "refused or closed, and nothing is allocated",
			run: sends(refused|closed|rejected, behind(allOnes))},
		{ID: "15-first", Title: "the same as the only parameters", Source: "3.4, CVE-2025-23016", Level: Must, Expect: "refused or closed, and nothing is allocated",
			run: sends(refused|closed|rejected, func(*attempt) []byte { return append(head(id, 0, []byte(allOnes+"abcd")), stdin("")...) })},
		{ID: "16-beyond", Title: "a name and a value of 50 bytes, of which 8 are there", Source: "3.4", Level: Should, Expect: "refused or closed",
			run: sends(refused|closed|rejected, behind(fiftyFifty))},
		{ID: "17-cut-length", Title: "a length of four bytes of which two are there", Source: "3.4", Level: Should, Expect: "refused or closed",
			run: sends(refused|closed|rejected, behind("\x80\x00"))},
		{ID: "17-one-length", Title: "the length of a name, and no more", Source: "3.4", Level: Should, Expect: "refused or closed",
			run: sends(refused|closed|rejected, behind("\x01"))},
		{ID: "18-split", Title: "pairs split between two records, within lengths too", Source: "3.3, 3.4", Level: Must, Expect: "served", run: runSplit},
		{ID: "19-single", Title: "10,000 records of one byte", Source: "3.3", Level: May, Expect: "served, refused or closed",
			run: sends(served|refused|closed, func(a *attempt) []byte {
				encoded := pairs(a.params(fcgi.Param{Name: "HTTP_X", Value: strings.Repeat("x", 10_000)}))
				return slices.Concat(begin(id, fcgi.RoleResponder, 0), single(fcgi.TypeParams, encoded), stdin(""))
			})},
		{ID: "20-long-form", Title: "lengths below 128 in four bytes", Source: "3.4", Level: Must, Expect: "served", run: runLongForm},
		{ID: "21-flood", Title: "4 MiB of parameters", Source: "3.4", Level: May, Expect: "refused or closed within a bound, or served",
			run: sends(served|refused|closed|rejected, func(a *attempt) []byte {
				value := strings.Repeat("x", 32<<10)
				encoded := pairs(a.params())
				for i := range 128 {
					encoded = append(encoded, pair(fmt.Sprintf("HTTP_X_%d", i), value)...)
				}
				return append(head(id, 0, encoded), stdin("")...)
			})},
	}
}

// runSplit cuts the parameters once, at many places, each on a connection of its own.
func runSplit(a *attempt) verdict {
	long := fcgi.Param{Name: "HTTP_X_LONG", Value: strings.Repeat("v", 200)}
	encoded := pairs(a.tells(a.params(long), CommandEcho))
	places := 0
	for cut := 1; cut < len(encoded); cut += 1 + len(encoded)/40 {
		r := a.open().send(begin(id, fcgi.RoleResponder, 0), piece(fcgi.TypeParams, encoded[:cut]), piece(fcgi.TypeParams, encoded[cut:]),
			piece(fcgi.TypeParams, nil), stdin("")).reply(id)
		if v := a.paramIs(r, long.Name, long.Value); v.outcome != Passed {
			return failed(fmt.Sprintf("cut after %d bytes: %s", cut, v.got))
		}
		places++
	}
	return passed(fmt.Sprintf("served, cut at %d places", places))
}

func runLongForm(a *attempt) verdict {
	var encoded []byte
	for _, p := range a.tells(a.params(fcgi.Param{Name: "HTTP_X_SHORT", Value: "v"}), CommandEcho) {
		encoded = slices.Concat(encoded, longLength(len(p.Name)), longLength(len(p.Value)), []byte(p.Name), []byte(p.Value))
	}
	r := a.open().send(head(id, 0, encoded), stdin("")).reply(id)
	return a.paramIs(r, "HTTP_X_SHORT", "v")
}

// paramIs passes a request that was served, and where the application tells what it was given, with this parameter.
func (a *attempt) paramIs(r *reply, name, value string) verdict {
	if !r.is(served) || !a.echo {
		return when(r.is(served), r.String())
	}
	s, err := echoed(r)
	if err != nil {
		return failed(err.Error())
	}
	got, there := s.params[name]
	switch {
	case !there:
		return failed(r.String() + ", without the parameter")
	case got != value:
		return failed(fmt.Sprintf("%s, with another value: %.80q", r, got))
	default:
		return passed(r.String() + ", with the parameter")
	}
}
