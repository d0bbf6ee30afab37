package conformance

import (
	"fmt"

	"launcher/fcgi"
)

// environmentCases are about what the parameters say of the request.
func environmentCases() []Case {
	cases := []Case{
		{ID: "25-proxy", Title: "HTTP_PROXY, a client's header Proxy", Source: "CVE-2016-5385", Level: Should, Expect: "not given to the application", Needs: CommandEcho,
			run: func(a *attempt) verdict {
				r := a.asks(CommandEcho, a.params(fcgi.Param{Name: "HTTP_PROXY", Value: "http://192.0.2.1/"}), "")
				return a.sees(r, func(s seen) verdict {
					value, there := s.params["HTTP_PROXY"]
					return when(!there, map[bool]string{false: "dropped", true: fmt.Sprintf("given to the application: %q", value)}[there])
				})
			}},
		{ID: "32-nothing", Title: "no parameters at all", Source: "6.1", Level: May, Expect: "refused, closed, or served",
			run: sends(served|refused|answered|closed|rejected, func(*attempt) []byte { return append(head(id, 0, nil), stdin("")...) })},
	}
	for _, name := range []string{"SCRIPT_NAME", "PATH_INFO", "REQUEST_METHOD"} {
		cases = append(cases, Case{ID: "32-no-" + map[string]string{"SCRIPT_NAME": "script-name", "PATH_INFO": "path-info", "REQUEST_METHOD": "method"}[name],
			Title: "no " + name, Source: "RFC 3875, 4.1", Level: May, Expect: "derived from REQUEST_URI, or refused",
			run: sends(served|refused|answered|closed, func(a *attempt) []byte {
				return append(head(id, 0, pairs(without(a.params(), name))), stdin("")...)
			})})
	}
	for _, odd := range []struct{ name, title, script, info, uri string }{
		{"longer", "PATH_INFO that is longer than REQUEST_URI", "/a", "/b/c/d/e/f/g", "/x"},
		{"line-feed", "an encoded line feed in the path, and PATH_INFO empty", "/a.php", "", "/a.php/%0a"},
		{"other", "SCRIPT_NAME and PATH_INFO of another path", "/somewhere/else", "/entirely", "/here"},
	} {
		cases = append(cases, Case{ID: "33-" + odd.name, Title: odd.title, Source: "CVE-2019-11043", Level: Must, Expect: "whole, whatever its status",
			run: sends(served|refused|answered, func(a *attempt) []byte {
				params := a.params(fcgi.Param{Name: "SCRIPT_NAME", Value: odd.script}, fcgi.Param{Name: "PATH_INFO", Value: odd.info},
					fcgi.Param{Name: "REQUEST_URI", Value: odd.uri})
				return append(head(id, 0, pairs(params)), stdin("")...)
			})})
	}
	return cases
}

// lengthCases are about CONTENT_LENGTH.
func lengthCases() []Case {
	cases := []Case{
		{ID: "26-missing", Title: "no CONTENT_LENGTH", Source: "RFC 3875, 4.1.2", Level: Must, Expect: "no body, and served",
			run: sends(served, func(a *attempt) []byte {
				return append(head(id, 0, pairs(without(a.params(), "CONTENT_LENGTH"))), stdin("")...)
			})},
		{ID: "26-empty", Title: `CONTENT_LENGTH ""`, Source: "RFC 3875, 4.1.2", Level: Must, Expect: "no body, and served",
			run: sends(served, func(a *attempt) []byte {
				return append(head(id, 0, pairs(a.params(fcgi.Param{Name: "CONTENT_LENGTH", Value: ""}))), stdin("")...)
			})},
		{ID: "47-minus-1", Title: "CONTENT_LENGTH -1 with a body of 5 bytes, as Caddy sends it", Source: "RFC 3875, 4.1.2", Level: May,
			Expect: "read to the end of STDIN, or refused", Needs: CommandEcho, run: func(a *attempt) verdict {
				return a.sees(a.asks(CommandEcho, post(a.params(), "-1"), "abcde"), func(s seen) verdict {
					return when(len(s.body) == 0 || string(s.body) == "abcde", fmt.Sprintf("a body of %d bytes", len(s.body)))
				})
			}},
	}
	for _, length := range []struct{ name, value string }{{"minus-2", "-2"}, {"letters", "abc"}, {"exponent", "1e3"}, {"huge", "18446744073709551616"}} {
		cases = append(cases, Case{ID: "26-" + length.name, Title: "CONTENT_LENGTH " + length.value, Source: "RFC 3875, 4.1.2", Level: Should, Expect: "refused or closed",
			run: sends(refused|closed, func(a *attempt) []byte {
				return append(head(id, 0, pairs(post(a.params(), length.value))), stdin("")...)
			})})
	}
	return cases
}
