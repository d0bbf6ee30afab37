package fcgi

import (
	"context"
	"errors"
	"io"
	"net/http"
	"syscall"
	"time"
)

// Bounds that a Client has where it names no others.
const (
	defaultMaxParams = 65535 // what fits one record; lighttpd allows no more
	defaultMaxHead   = 64 << 10
	defaultMaxStderr = 64 << 10
)

// Client sends requests to one address, each over a connection of its own. Its
// zero values are defaults. It may be used by several goroutines at once.
type Client struct {
	Network string // "unix" or "tcp"
	Address string

	// DialTimeout bounds connecting, 2 s by default. A full backlog of a unix
	// socket is retried within it.
	DialTimeout time.Duration
	// HeadTimeout bounds the time from the first byte sent to the whole
	// response head. 0 leaves it to the context.
	HeadTimeout time.Duration
	// IdleTimeout bounds the time between two records of the body. 0 leaves
	// it to the context.
	IdleTimeout time.Duration

	MaxParams int // encoded size of the request's parameters, 65535 by default
	MaxHead   int // size of the response head, 64 KiB by default
	MaxStderr int // what is passed on of one request's STDERR, 64 KiB by default

	// Keep, where set, has the connection to a unix socket kept for the next request, of those that can be sent again.
	Keep *Kept

	// Stderr receives what the application writes to its error stream, line by
	// line. It is called by the goroutine that runs Do or reads the body.
	Stderr func(line string)
}

// Request is one request to a responder.
type Request struct {
	// Params is the environment in the order in which it is sent. Do adds
	// CONTENT_LENGTH where it is missing.
	Params Params
	// Content is a body that is in memory. It leaves with the parameters, in one piece.
	Content []byte
	// Body, in the place of Content, has ContentLength bytes. What follows them is not read. Body is not
	// touched before the parameters were sent, so after an error for which
	// NothingSent is true the request may be used again.
	Body          io.Reader
	ContentLength int64
	// Interrupt, where set, makes a pending Read of Body return. It is called
	// when the response is over and the body is still being read. Without it
	// closing the response waits for that Read.
	Interrupt func()
	// Call, where set, is for those who want the request to end.
	Call *Call
}

// Response is the answer. Body must be closed, and read to io.EOF by those who
// want to know that the answer is whole and the application is done with it.
type Response struct {
	Status int
	Header http.Header // without Status and what concerns one connection alone
	Body   io.ReadCloser

	body *responseBody // the same
}

// roundTrip is a request and its response, all of which lasts equally long.
type roundTrip struct {
	exchange exchange
	demux    demuxer
	body     responseBody
	response Response
}

// Do sends the request and returns when the response's head has come. Its
// errors are of type *Error. The context governs the body too.
func (c *Client) Do(ctx context.Context, req *Request) (*Response, error) {
	buffer := heads.Get().(*[]byte)
	defer freeHead(buffer)
	head, err := c.appendHead((*buffer)[:0], req)
	if err != nil {
		return nil, c.fail(StageEncode, err)
	}
	*buffer = head
	var until time.Time
	if c.Keep != nil && !c.keeps(req, head) {
		c.Keep.Drop()
	} else if c.Keep != nil {
		head[flagsAt] |= flagKeepConn
		until = time.Now().Add(keepTime)
		resp, err := c.again(ctx, req, head)
		if !errors.Is(err, errUnread) {
			return resp, err
		}
	}
	conn, err := c.dial(ctx)
	if err != nil {
		return nil, c.fail(StageConnect, cause(ctx, err))
	}
	trip := &roundTrip{exchange: exchange{conn: conn, interrupt: req.Interrupt, sending: true, kept: c.Keep, until: until}}
	return c.exchange(ctx, req, head, trip)
}

// keeps tells whether the connection of a request may be kept (Kept).
func (c *Client) keeps(req *Request, head []byte) bool {
	if c.Network != "unix" || req.ContentLength > 0 || len(req.Content) > 0 || len(head) > maxKeptHead {
		return false
	}
	method, _ := req.Params.Get("REQUEST_METHOD")
	return method == http.MethodGet || method == http.MethodHead
}

// again sends the request over the connection that was kept, if there is one. The error is errUnread where it is to be sent over another.
func (c *Client) again(ctx context.Context, req *Request, head []byte) (*Response, error) {
	conn, until := c.Keep.take()
	if conn == nil {
		return nil, errUnread
	}
	trip := &roundTrip{exchange: exchange{conn: conn, sending: true, kept: c.Keep, until: until}}
	c.Keep.begin(&trip.exchange)
	resp, err := c.exchange(ctx, req, head, trip)
	var failed *Error
	switch {
	case !errors.As(err, &failed):
	case failed.Stage == StageConnect && errors.Is(err, syscall.EPIPE),
		failed.Stage == StageHead && errors.Is(err, syscall.ECONNRESET) && !trip.demux.started && !trip.exchange.wasAborted():
		return nil, errUnread
	}
	return resp, err
}

// exchange sends the request over a connection.
func (c *Client) exchange(ctx context.Context, req *Request, head []byte, trip *roundTrip) (*Response, error) {
	x := &trip.exchange
	x.watch(ctx)
	req.Call.attach(x)
	if c.HeadTimeout > 0 {
		defer time.AfterFunc(c.HeadTimeout, func() { x.stop(context.DeadlineExceeded) }).Stop()
	}
	if n, err := x.conn.Write(head); err != nil {
		err = x.cause(err)
		x.close(false)
		if n == 0 {
			return nil, c.fail(StageConnect, err)
		}
		if errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET) {
			err = unansweredError{err}
		}
		return nil, c.fail(StageHead, err)
	}
	if req.ContentLength > 0 {
		x.start(req.Body, req.ContentLength)
	} else {
		x.endSending(false)
	}
	if err := c.receive(trip, req); err != nil {
		x.close(false)
		return nil, c.fail(StageHead, x.explain(err))
	}
	return &trip.response, nil
}

func (c *Client) fail(stage Stage, err error) error {
	return &Error{Stage: stage, Address: c.Address, Err: err}
}

// receive reads the response up to the end of its head.
func (c *Client) receive(trip *roundTrip, req *Request) error {
	trip.demux = demuxer{
		records: responseReader(trip.exchange.conn),
		stderr:  lineSink{emit: c.Stderr, left: orDefault(c.MaxStderr, defaultMaxStderr)},
	}
	parsed, err := readHead(&trip.demux, orDefault(c.MaxHead, defaultMaxHead))
	if err != nil {
		trip.demux.stderr.flush()
		if !trip.demux.started && errors.Is(err, ErrConnectionClosed) {
			err = unansweredError{err}
		}
		return err
	}
	method, _ := req.Params.Get("REQUEST_METHOD")
	trip.body.stream = responseStream{client: c, exchange: &trip.exchange, demux: &trip.demux, idle: c.IdleTimeout}
	if err := trip.body.frame(&parsed, method); err != nil {
		return err
	}
	removeHopByHop(parsed.header)
	trip.response = Response{Status: parsed.status, Header: parsed.header, Body: &trip.body, body: &trip.body}
	return nil
}

// Ready tells whether something of the body, or its end, can be read without waiting for the application. It is
// not for use beside Read in another goroutine.
func (r *Response) Ready() bool { return r.body.ready() }

func orDefault(n, fallback int) int {
	if n > 0 {
		return n
	}
	return fallback
}
