package conformance

import (
	"fmt"
	"slices"
	"strings"

	"launcher/fcgi"
)

// managementCases are about records of request 0.
func managementCases() []Case {
	known := fcgi.Params{{Name: fcgi.ValueMaxConns}, {Name: fcgi.ValueMaxReqs}, {Name: fcgi.ValueMpxConns}}
	cases := []Case{
		{ID: "34-known", Title: "GET_VALUES for the three values", Source: "4.1", Level: Must, Expect: "GET_VALUES_RESULT, with no other names", run: runValues(known)},
		{ID: "34-unknown", Title: "GET_VALUES for a value that is not known", Source: "4.1", Level: Must, Expect: "GET_VALUES_RESULT without it",
			run: runValues(fcgi.Params{{Name: "FCGI_OTHER"}})},
		{ID: "34-empty", Title: "GET_VALUES for nothing", Source: "4.1", Level: Must, Expect: "GET_VALUES_RESULT, empty", run: runValues(nil)},
		{ID: "34-malformed", Title: "GET_VALUES that is no list of pairs", Source: "4.1", Level: May, Expect: "closed, or an answer",
			run: func(a *attempt) verdict {
				x := a.open().send(fcgi.AppendRecord(nil, fcgi.TypeGetValues, 0, []byte(allOnes))).finish()
				if records := x.managed(1); len(records) > 0 {
					return passed(records[0].Type.String())
				}
				return when(!x.isOpen(), x.how())
			}},
		{ID: "34-within", Title: "GET_VALUES in the middle of a request", Source: "4.1", Level: Should, Expect: "GET_VALUES_RESULT, and served",
			run: func(a *attempt) verdict {
				x := a.open().send(begin(id, fcgi.RoleResponder, 0), fcgi.AppendRecord(nil, fcgi.TypeGetValues, 0, pairs(known)),
					stream(fcgi.TypeParams, id, pairs(a.params())), stdin(""))
				r := x.reply(id)
				answered := slices.ContainsFunc(x.managed(0), func(m fcgi.Record) bool { return m.Type == fcgi.TypeGetValuesResult })
				return when(r.is(served) && answered, fmt.Sprintf("%s, %s", map[bool]string{true: "GET_VALUES_RESULT", false: "no values"}[answered], r))
			}},
	}
	for _, kind := range []fcgi.Type{12, 255} {
		cases = append(cases, Case{ID: fmt.Sprintf("35-type-%d", kind), Title: fmt.Sprintf("a management record of type %d", kind), Source: "4.2", Level: Must,
			Expect: "UNKNOWN_TYPE, which names it", run: func(a *attempt) verdict {
				x := a.open().send(fcgi.AppendRecord(nil, kind, 0, []byte("abcdefgh")))
				records := x.managed(1)
				if len(records) == 0 {
					return failed("no answer, " + x.how())
				}
				m := records[0]
				named := m.Type == fcgi.TypeUnknownType && len(m.Content) == fcgi.HeaderLen && m.Content[0] == byte(kind)
				return when(named, fmt.Sprintf("%s %x", m.Type, m.Content))
			}})
	}
	return cases
}

// runValues asks for values; none may come that were not asked for.
func runValues(asked fcgi.Params) func(*attempt) verdict {
	return func(a *attempt) verdict {
		x := a.open().send(fcgi.AppendRecord(nil, fcgi.TypeGetValues, 0, pairs(asked)))
		records := x.managed(1)
		if len(records) == 0 {
			return failed("no answer, " + x.how())
		}
		if records[0].Type != fcgi.TypeGetValuesResult {
			return failed(records[0].Type.String())
		}
		decoder := fcgi.NewParamsDecoder(fcgi.MaxContent)
		_, _ = decoder.Write(records[0].Content) // Params has the error
		values, err := decoder.Params()
		if err != nil {
			return failed(err.Error())
		}
		var told []string
		for _, value := range values {
			if _, wanted := asked.Get(value.Name); !wanted {
				return failed(fmt.Sprintf("%q was not asked for", value.Name))
			}
			told = append(told, strings.TrimPrefix(value.Name, "FCGI_")+"="+value.Value)
		}
		if len(told) == 0 {
			return passed("GET_VALUES_RESULT, empty")
		}
		return passed(strings.Join(told, " "))
	}
}
