package conformance

import (
	"context"
	"slices"
	"strconv"
	"sync"
	"time"

	"launcher/fcgi"
)

// attempt is what one case has of the responder: connections, and the words of a plain request.
type attempt struct {
	ctx      context.Context
	target   Target
	timeout  time.Duration
	deadline time.Duration
	echo     bool
	plain    int // the status of a plain request; 0 where that is not known yet
	posted   int // that of a plain request with a body, in a case whose request has one; else 0

	mu        sync.Mutex
	exchanges []*exchange
}

// connect opens a connection, which the end of the case closes. Without one the exchange says so in its replies.
func (a *attempt) connect() *exchange {
	x := &exchange{ctx: a.ctx, timeout: a.timeout, plain: a.plain, posted: a.posted, changed: make(chan struct{}), begun: []uint16{id}, replies: map[uint16]*reply{}}
	ctx, cancel := context.WithTimeout(a.ctx, a.timeout)
	defer cancel()
	x.conn, x.end = fcgi.Dial(ctx, a.target.Network, a.target.Address)
	if x.end != nil {
		x.conn = nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.exchanges = append(a.exchanges, x)
	return x
}

// open is connect for a connection that is read from the beginning.
func (a *attempt) open() *exchange {
	x := a.connect()
	x.listen()
	return x
}

// close ends all connections.
func (a *attempt) close() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, x := range a.exchanges {
		x.close()
	}
	a.exchanges = nil
}

// pause waits, unless the suite is ended.
func (a *attempt) pause(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-a.ctx.Done():
	}
}

// params are those of a plain request, with some set anew or added.
func (a *attempt) params(changes ...fcgi.Param) fcgi.Params { return set(a.target.base(), changes...) }

// set replaces parameters, or adds them.
func set(params fcgi.Params, changes ...fcgi.Param) fcgi.Params {
	for _, change := range changes {
		if i := slices.IndexFunc(params, func(p fcgi.Param) bool { return p.Name == change.Name }); i >= 0 {
			params[i] = change
		} else {
			params = append(params, change)
		}
	}
	return params
}

func without(params fcgi.Params, names ...string) fcgi.Params {
	return slices.DeleteFunc(params, func(p fcgi.Param) bool { return slices.Contains(names, p.Name) })
}

// post makes the parameters those of a request with a body.
func post(params fcgi.Params, length string) fcgi.Params {
	return set(params, fcgi.Param{Name: "REQUEST_METHOD", Value: "POST"}, fcgi.Param{Name: "CONTENT_LENGTH", Value: length},
		fcgi.Param{Name: "CONTENT_TYPE", Value: "application/octet-stream"})
}

// posting has a case whose request has a body judged by the status that a plain one gets: many an application has nothing that may
// be posted at the path.
func posting(run func(*attempt) verdict) func(*attempt) verdict {
	return func(a *attempt) verdict {
		if !a.echo {
			a.posted = a.asks("", post(a.params(), "3"), "abc").status()
		}
		return run(a)
	}
}

// tells makes the parameters those of a request that the probe application understands. Without one, it is a
// plain request.
func (a *attempt) tells(params fcgi.Params, command Command) fcgi.Params {
	if !a.echo || command == "" {
		return params
	}
	uri, _ := params.Get("REQUEST_URI")
	return set(params, fcgi.Param{Name: "QUERY_STRING", Value: "probe=" + string(command)},
		fcgi.Param{Name: "REQUEST_URI", Value: uri + "?probe=" + string(command)})
}

// get is a whole plain request.
func (a *attempt) get(flags byte) []byte {
	return append(head(id, flags, pairs(a.params())), stdin("")...)
}

// asks makes a request, by which the probe application knows what to do.
func (a *attempt) asks(command Command, params fcgi.Params, body string) *reply {
	return a.open().send(head(id, 0, pairs(a.tells(params, command))), stdin(body)).reply(id)
}

// another makes a plain request on another connection, and says what came of it and when.
func (a *attempt) another() (*reply, time.Duration) {
	began := time.Now()
	x := a.open().send(a.get(0))
	r := x.replyWithin(id, a.deadline)
	return r, time.Since(began)
}

// Target is the responder under test.
type Target struct {
	Network string // "unix" or "tcp"
	Address string
	Params  fcgi.Params // of every request, besides the usual ones or in their place
}

// base returns the parameters of a plain request, as a web server sends them.
func (t Target) base() fcgi.Params {
	return set(fcgi.Params{
		{Name: "GATEWAY_INTERFACE", Value: "CGI/1.1"}, {Name: "REQUEST_METHOD", Value: "GET"}, {Name: "REQUEST_URI", Value: "/"},
		{Name: "SCRIPT_NAME", Value: ""}, {Name: "PATH_INFO", Value: "/"}, {Name: "QUERY_STRING", Value: ""},
		{Name: "SERVER_NAME", Value: "localhost"}, {Name: "SERVER_PORT", Value: "80"}, {Name: "SERVER_PROTOCOL", Value: "HTTP/1.1"},
		{Name: "SERVER_SOFTWARE", Value: "conformance"}, {Name: "REMOTE_ADDR", Value: "127.0.0.1"}, {Name: "HTTP_HOST", Value: "localhost"},
	}, t.Params...)
}

func decimal(n int) string { return strconv.Itoa(n) }
