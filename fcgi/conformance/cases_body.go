package conformance

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"

	"launcher/fcgi"
)

// Of the uploads.
const (
	slowBytes  = 8 << 20
	slowPiece  = 64 << 10
	slowPause  = 2 * time.Millisecond
	earlyBytes = 512 << 10 // more than the buffers of a socket hold, less than what is drained before a close
)

// bodyCases are about the stream of a body.
func bodyCases() []Case {
	return []Case{
		{ID: "27-no-end", Title: "CONTENT_LENGTH 0, and STDIN is not ended", Source: "6.2", Level: Should, Expect: "served, without waiting for it",
			run: sends(served, func(a *attempt) []byte {
				return head(id, 0, pairs(a.params(fcgi.Param{Name: "CONTENT_LENGTH", Value: "0"})))
			})},
		{ID: "28-short", Title: "a body of 4 bytes for CONTENT_LENGTH 5", Source: "6.2", Level: May, Expect: "refused, closed, or the application sees less", run: posting(runShortBody)},
		{ID: "28-leaves", Title: "the peer leaves in the middle of the body", Source: "6.2", Level: Must, Expect: "the responder lives", run: func(a *attempt) verdict {
			x := a.connect().send(head(id, 0, pairs(post(a.params(), "100"))), piece(fcgi.TypeStdin, []byte("ab")))
			x.close()
			return passed("left")
		}},
		{ID: "29-long", Title: "a body of 4 bytes for CONTENT_LENGTH 3", Source: "6.2", Level: Must, Expect: "the application gets 3 bytes at the most", run: posting(runLongBody)},
		{ID: "30-two-ends", Title: "STDIN is ended twice", Source: "3.3", Level: Should, Expect: "served",
			run: posting(sends(served, func(a *attempt) []byte {
				return slices.Concat(head(id, 0, pairs(post(a.params(), "3"))), stdin("abc"), stdin(""))
			}))},
		{ID: "31-stdin-first", Title: "STDIN before the end of PARAMS", Source: "6.2", Level: May, Expect: "closed, refused, or served",
			run: posting(sends(served|refused|closed|rejected, func(a *attempt) []byte {
				own := pairs(post(a.params(), "3"))
				return slices.Concat(begin(id, fcgi.RoleResponder, 0), piece(fcgi.TypeParams, own), stdin("abc"), piece(fcgi.TypeParams, nil))
			}))},
		{ID: "31-params-late", Title: "PARAMS after their end, in the middle of the body", Source: "3.3, 6.2", Level: May, Expect: "closed, refused, or ignored",
			run: posting(sends(served|refused|closed|rejected, func(a *attempt) []byte {
				return slices.Concat(head(id, 0, pairs(post(a.params(), "3"))), piece(fcgi.TypeParams, pair("A", "B")), stdin("abc"))
			}))},
		{ID: "41-unread", Title: "the application responds without reading the body, and the peer reads late", Source: "6.2", Level: Must,
			Expect: "the whole response, which no reset eats", Needs: CommandEarly, run: runEarly(func(a *attempt) fcgi.Params {
				return a.tells(post(a.params(), decimal(earlyBytes)), CommandEarly)
			}, whole)},
		{ID: "41-refused", Title: "a request that may be refused, with a body, and the peer reads late", Source: "6.2", Level: Should,
			Expect: "the whole response, which no reset eats; or closed without one", run: runEarly(func(a *attempt) fcgi.Params {
				return post(a.params(), "abc")
			}, whole|closed)},
		{ID: "50-slow", Title: "8 MiB that come slower than they are read", Source: "5.3", Level: Must, Expect: "served, with the whole body", run: posting(runSlowUpload)},
	}
}

func runShortBody(a *attempt) verdict {
	r := a.asks(CommandEcho, post(a.params(), "5"), "abcd")
	if r.is(refused|closed|rejected) || !a.echo {
		return when(r.is(served|refused|closed|rejected), r.String())
	}
	return a.sees(r, func(s seen) verdict {
		return when(len(s.body) <= 4, fmt.Sprintf("%s, a body of %d bytes", r, len(s.body)))
	})
}

func runLongBody(a *attempt) verdict {
	r := a.asks(CommandEcho, post(a.params(), "3"), "abcd")
	if !a.echo {
		return when(r.is(served|refused), r.String())
	}
	return a.sees(r, func(s seen) verdict {
		return when(len(s.body) <= 3, fmt.Sprintf("%s, a body of %d bytes", r, len(s.body)))
	})
}

// runEarly sends a body that nobody may read, and begins to read the response only then.
func runEarly(params func(a *attempt) fcgi.Params, accepted kind) func(*attempt) verdict {
	return func(a *attempt) verdict {
		x := a.connect().send(head(id, 0, pairs(params(a))))
		for sent := 0; sent < earlyBytes; sent += slowPiece {
			x.send(piece(fcgi.TypeStdin, make([]byte, slowPiece-1)), piece(fcgi.TypeStdin, []byte("x")))
		}
		x.send(piece(fcgi.TypeStdin, nil))
		r := x.reply(id)
		if r.is(refused) && r.status() == notImplemented {
			return skipped("the application cannot do that")
		}
		return when(r.is(accepted), r.String())
	}
}

func runSlowUpload(a *attempt) verdict {
	body := strings.Repeat("0123456789abcdef", slowBytes/16)
	x := a.open().send(head(id, 0, pairs(a.tells(post(a.params(), decimal(len(body))), CommandEcho))))
	for content := []byte(body); len(content) > 0; content = content[slowPiece:] {
		x.send(bytes.Join([][]byte{piece(fcgi.TypeStdin, content[:slowPiece/2]), piece(fcgi.TypeStdin, content[slowPiece/2:slowPiece])}, nil))
		a.pause(slowPause)
	}
	return a.bodyIs(x.send(piece(fcgi.TypeStdin, nil)).reply(id), body)
}
