package conformance

import (
	"fmt"
	"strings"

	"launcher/fcgi"
)

// pairCases are about single parameters.
func pairCases() []Case {
	cases := []Case{
		{ID: "22-empty-name", Title: "a parameter without a name", Source: "3.4", Level: Should, Expect: "ignored, and served",
			run: sends(served, func(a *attempt) []byte {
				return append(head(id, 0, append(pair("", "x"), pairs(a.params())...)), stdin("")...)
			})},
		{ID: "24-twice", Title: "a parameter twice, with two values", Source: "3.4", Level: May, Expect: "one policy: the first, the last, or refused", Needs: CommandEcho,
			run: runTwice("REMOTE_USER", "first", "last")},
		{ID: "44-alike", Title: "names of headers that became alike by - and _", Source: "RFC 3875, 4.1.18", Level: May,
			Expect: "one policy: joined, one of them, or refused", Needs: CommandEcho, run: runTwice("HTTP_X_FORWARDED_FOR", "192.0.2.1", "198.51.100.1")},
		{ID: "44-period", Title: "HTTP_X.USER beside HTTP_X_USER", Source: "RFC 3875, 4.1.18", Level: Should, Expect: "HTTP_X_USER stays what it is", Needs: CommandEcho,
			run: runPeriod},
		{ID: "48-header-twice", Title: "a header twice, with two values", Source: "RFC 3875, 4.1.18", Level: May,
			Expect: "one policy: joined, one of them, or refused", Needs: CommandEcho, run: runTwice("HTTP_ACCEPT", "text/plain", "text/html")},
	}
	for _, control := range []string{"\x00", "\r", "\n"} {
		name := map[string]string{"\x00": "NUL", "\r": "CR", "\n": "LF"}[control]
		cases = append(cases, controlCase(name, "name", pair("HTTP_A"+control+"B", "v")), controlCase(name, "value", pair("HTTP_AB", "C"+control+"D")))
	}
	for _, size := range []int{127, 128, 129} {
		cases = append(cases, Case{ID: fmt.Sprintf("46-length-%d", size), Title: fmt.Sprintf("a name and a value of %d bytes", size), Source: "3.4", Level: Must,
			Expect: "served, with both whole", run: func(a *attempt) verdict {
				long := fcgi.Param{Name: "HTTP_" + strings.Repeat("N", size-len("HTTP_")), Value: strings.Repeat("v", size)}
				return a.paramIs(a.asks(CommandEcho, a.params(long), ""), long.Name, long.Value)
			}})
	}
	return cases
}

// controlCase sends a character that no header can have.
func controlCase(name, place string, more []byte) Case {
	return Case{ID: "23-" + strings.ToLower(name) + "-in-" + place, Title: name + " in a " + place, Source: "RFC 3875, 4.1", Level: Should,
		Expect: "refused or closed", run: sends(refused|closed|rejected, func(a *attempt) []byte {
			return append(head(id, 0, append(pairs(a.params()), more...)), stdin("")...)
		})}
}

// runTwice sends a parameter twice and tells what the application has of it.
func runTwice(name, first, last string) func(*attempt) verdict {
	return func(a *attempt) verdict {
		encoded := append(pairs(a.tells(without(a.params(), name), CommandEcho)), append(pair(name, first), pair(name, last)...)...)
		r := a.open().send(head(id, 0, encoded), stdin("")).reply(id)
		return a.sees(r, func(s seen) verdict {
			switch value, there := s.params[name]; {
			case !there:
				return passed("neither")
			case value == first:
				return passed("the first")
			case value == last:
				return passed("the last")
			case strings.Contains(value, first) && strings.Contains(value, last):
				return passed(fmt.Sprintf("both: %q", value))
			default:
				return failed(fmt.Sprintf("%.80q", value))
			}
		})
	}
}

func runPeriod(a *attempt) verdict {
	encoded := append(pairs(a.tells(a.params(), CommandEcho)), append(pair("HTTP_X_USER", "proxy"), pair("HTTP_X.USER", "client")...)...)
	r := a.open().send(head(id, 0, encoded), stdin("")).reply(id)
	return a.sees(r, func(s seen) verdict {
		got := fmt.Sprintf("HTTP_X_USER is %q", s.params["HTTP_X_USER"])
		if value, there := s.params["HTTP_X.USER"]; there {
			got += fmt.Sprintf(", HTTP_X.USER %q", value)
		}
		return when(s.params["HTTP_X_USER"] == "proxy", got)
	})
}
