package conformance

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"launcher/fcgi"
)

// sends is a case that sends bytes on one connection and judges what comes back.
func sends(accepted kind, bytes func(a *attempt) []byte) func(*attempt) verdict {
	return func(a *attempt) verdict {
		r := a.open().send(bytes(a)).reply(id)
		return when(r.is(accepted), r.String())
	}
}

// recordCases are about the records themselves.
func recordCases() []Case {
	cases := []Case{
		{ID: "2-cut", Title: "1 to 7 bytes of a header, then the end of the stream", Source: "3.3", Level: Must, Expect: "closed", run: runCutHeaders},
		{ID: "5-unknown", Title: "records of a request that was never begun, before a request", Source: "3.3", Level: Must, Expect: "they are ignored",
			run: sends(served, func(a *attempt) []byte { return append(strangers(1), a.get(0)...) })},
		{ID: "5-flood", Title: "5,000 records of a request that was never begun, before a request", Source: "3.3", Level: May, Expect: "served or closed",
			run: sends(served|closed, func(a *attempt) []byte { return append(strangers(1250), a.get(0)...) })},
		{ID: "11-largest-id", Title: "request id 65535", Source: "3.3", Level: Must, Expect: "served, with that id", run: runLargestID},
		{ID: "12-reserved", Title: "reserved bytes and unknown flags are set", Source: "3.3, 5.1", Level: Must, Expect: "served, and closed", run: runReserved},
		{ID: "13-largest", Title: "records of 65,535 bytes with 255 bytes of padding", Source: "3.3, CVE-2026-55203", Level: Must,
			Expect: "served, with the whole body", run: posting(runLargestRecord)},
		{ID: "14-padding", Title: "padding that looks like records", Source: "3.3", Level: Must, Expect: "skipped, and served with all parameters", run: runPadding},
		{ID: "42-http", Title: "a request of HTTP", Source: "3.3", Level: Should, Expect: "closed",
			run: sends(closed, func(*attempt) []byte { return []byte("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n") })},
		{ID: "42-tls", Title: "a ClientHello of TLS", Source: "3.3", Level: Should, Expect: "closed",
			run: sends(closed, func(*attempt) []byte {
				return append([]byte("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"), make([]byte, 64)...)
			})},
	}
	for _, version := range []byte{0, 2, 255} {
		cases = append(cases, Case{ID: fmt.Sprintf("1-version-%d", version), Title: fmt.Sprintf("a record of version %d", version), Source: "3.3",
			Level: Should, Expect: "closed", run: sends(closed, func(a *attempt) []byte {
				request := a.get(0)
				request[0] = version
				return request
			})})
	}
	return cases
}

// strangers are records of a request that was never begun.
func strangers(times int) []byte {
	var four []byte
	for _, kind := range []fcgi.Type{fcgi.TypeParams, fcgi.TypeStdin, fcgi.TypeAbortRequest, fcgi.TypeData} {
		four = fcgi.AppendRecord(four, kind, 9, nil)
	}
	return bytes.Repeat(four, times)
}

func runCutHeaders(a *attempt) verdict {
	for size := 1; size < fcgi.HeaderLen; size++ {
		x := a.open().send(a.get(0)[:size]).finish()
		if r := x.reply(id); !r.is(closed) {
			return failed(fmt.Sprintf("after %d bytes: %s", size, r))
		}
	}
	return passed("closed")
}

func runLargestID(a *attempt) verdict {
	const largest = 65535
	x := a.open().expects(largest).send(head(largest, 0, pairs(a.params())), stream(fcgi.TypeStdin, largest, nil))
	r := x.reply(largest)
	return when(r.is(served), r.String())
}

func runReserved(a *attempt) verdict {
	body := append(beginBody(fcgi.RoleResponder, 0xfe)[:3], 255, 255, 255, 255, 255)
	opening := record{version: fcgi.Version, kind: fcgi.TypeBeginRequest, id: id, content: body, reserved: 255}
	last := record{version: fcgi.Version, kind: fcgi.TypeStdin, id: id, reserved: 7}
	x := a.open().send(opening.bytes(), stream(fcgi.TypeParams, id, pairs(a.params())), last.bytes())
	r := x.reply(id)
	if !r.is(served) {
		return failed(r.String())
	}
	return when(x.closes(), r.String()+", "+x.how())
}

func runPadding(a *attempt) verdict {
	lure := slices.Repeat(fcgi.AppendRecord(nil, fcgi.TypeAbortRequest, id, nil), 4)
	opening := record{version: fcgi.Version, kind: fcgi.TypeBeginRequest, id: id, content: beginBody(fcgi.RoleResponder, 0), padding: lure}
	params := a.tells(a.params(fcgi.Param{Name: "HTTP_X_SEEN", Value: "v"}), CommandEcho)
	x := a.open().send(opening.bytes(), stream(fcgi.TypeParams, id, pairs(params)), stdin(""))
	return a.paramIs(x.reply(id), "HTTP_X_SEEN", "v")
}

func runLargestRecord(a *attempt) verdict {
	body := strings.Repeat("0123456789abcde", fcgi.MaxContent/15)
	x := a.open().send(padded(fcgi.TypeBeginRequest, beginBody(fcgi.RoleResponder, 0)),
		stream(fcgi.TypeParams, id, pairs(a.tells(post(a.params(), decimal(len(body))), CommandEcho))),
		padded(fcgi.TypeStdin, []byte(body)), padded(fcgi.TypeStdin, nil))
	return a.bodyIs(x.reply(id), body)
}

// bodyIs passes a request that was served, and where the application tells what it was given, with this body.
func (a *attempt) bodyIs(r *reply, body string) verdict {
	if !r.is(served) || !a.echo {
		return when(r.is(served), r.String())
	}
	s, err := echoed(r)
	if err != nil {
		return failed(err.Error())
	}
	got := fmt.Sprintf("%s, a body of %d bytes", r, len(s.body))
	if len(s.body) == len(body) && string(s.body) != body {
		got += ", which is another one"
	}
	return when(string(s.body) == body, got)
}
