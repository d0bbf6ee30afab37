package fcgi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
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

	// Stderr receives what the application writes to its error stream, line by
	// line. It is called by the goroutine that runs Do or reads the body.
	Stderr func(line string)
}

// Request is one request to a responder.
type Request struct {
	// Params is the environment in the order in which it is sent. Do adds
	// CONTENT_LENGTH where it is missing.
	Params Params
	// Body has ContentLength bytes. What follows them is not read. Body is not
	// touched before the parameters were sent, so after an error for which
	// NothingSent is true the request may be used again.
	Body          io.Reader
	ContentLength int64
	// Interrupt, where set, makes a pending Read of Body return. It is called
	// when the response is over and the body is still being read. Without it
	// closing the response waits for that Read.
	Interrupt func()
	// Abort, where set and closed, tells the application that nobody waits for its response any
	// more (ABORT_REQUEST), once the body is sent. The response is read on, to its end.
	Abort <-chan struct{}
}

// Response is the answer. Body must be closed, and read to io.EOF by those who
// want to know that the answer is whole and the application is done with it.
type Response struct {
	Status int
	Header http.Header // without Status and what concerns one connection alone
	Body   io.ReadCloser

	body *responseBody // the same
}

// Do sends the request and returns when the response's head has come. Its
// errors are of type *Error. The context governs the body too.
func (c *Client) Do(ctx context.Context, req *Request) (*Response, error) {
	head, err := c.encodeHead(req)
	if err != nil {
		return nil, c.fail(StageEncode, err)
	}
	conn, err := c.dial(ctx)
	if err != nil {
		return nil, c.fail(StageConnect, cause(ctx, err))
	}
	ctx, cancel := context.WithCancelCause(ctx)
	x := &exchange{ctx: ctx, cancel: cancel, conn: conn, interrupt: req.Interrupt,
		sent: make(chan struct{}), done: make(chan struct{}), over: make(chan struct{})}
	x.unwatch = watch(ctx, conn)
	if c.HeadTimeout > 0 {
		timer := time.AfterFunc(c.HeadTimeout, func() { cancel(context.DeadlineExceeded) })
		defer timer.Stop()
	}
	if n, err := conn.Write(head); err != nil {
		err = cause(ctx, err)
		close(x.done) // there is no sender
		x.close()
		if n == 0 {
			return nil, c.fail(StageConnect, err)
		}
		if errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET) {
			err = unansweredError{err}
		}
		return nil, c.fail(StageHead, err)
	}
	go x.send(req.Body, req.ContentLength, req.Abort)
	resp, err := c.receive(x, req)
	if err != nil {
		x.close()
		return nil, c.fail(StageHead, x.explain(err))
	}
	return resp, nil
}

func (c *Client) fail(stage Stage, err error) error {
	return &Error{Stage: stage, Address: c.Address, Err: err}
}

// encodeHead returns everything up to the body: BEGIN_REQUEST, PARAMS, and for
// an empty body the end of STDIN, so that most requests are a single write.
func (c *Client) encodeHead(req *Request) ([]byte, error) {
	length := strconv.FormatInt(req.ContentLength, 10)
	params := req.Params
	switch named, ok := params.Get("CONTENT_LENGTH"); {
	case req.ContentLength < 0:
		return nil, fmt.Errorf("encode request: content length %d is negative", req.ContentLength)
	case req.ContentLength > 0 && req.Body == nil:
		return nil, errors.New("encode request: content length without a body")
	case !ok && req.ContentLength > 0:
		params = append(params[:len(params):len(params)], Param{"CONTENT_LENGTH", length})
	case ok && named != length && (named != "" || req.ContentLength > 0):
		return nil, fmt.Errorf("encode request: CONTENT_LENGTH %q for a body of %s bytes", named, length)
	}
	encoded, err := params.Append(nil)
	if err != nil {
		return nil, err
	}
	if limit := orDefault(c.MaxParams, defaultMaxParams); len(encoded) > limit {
		return nil, fmt.Errorf("%w: %d bytes, %d are allowed", ErrRequestTooLarge, len(encoded), limit)
	}
	head := AppendBeginRequest(make([]byte, 0, len(encoded)+5*HeaderLen), requestID, RoleResponder)
	if len(encoded) > 0 {
		head = AppendRecord(head, TypeParams, requestID, encoded)
	}
	head = AppendRecord(head, TypeParams, requestID, nil)
	if req.ContentLength == 0 {
		head = AppendRecord(head, TypeStdin, requestID, nil)
	}
	return head, nil
}

// receive reads the response up to the end of its head.
func (c *Client) receive(x *exchange, req *Request) (*Response, error) {
	demux := &demuxer{
		records: responseReader(x.conn),
		stderr:  lineSink{emit: c.Stderr, left: orDefault(c.MaxStderr, defaultMaxStderr)},
	}
	parsed, rest, err := readHead(demux, orDefault(c.MaxHead, defaultMaxHead))
	if err != nil {
		demux.stderr.flush()
		if !demux.started && errors.Is(err, ErrConnectionClosed) {
			err = unansweredError{err}
		}
		return nil, err
	}
	demux.content = append(rest, demux.content...) // of the record that the head ended in
	stream := &responseStream{fail: c.fail, exchange: x, demux: demux, idle: c.IdleTimeout}
	method, _ := req.Params.Get("REQUEST_METHOD")
	body, err := newBody(stream, parsed, method)
	if err != nil {
		return nil, err
	}
	removeHopByHop(parsed.header)
	return &Response{Status: parsed.status, Header: parsed.header, Body: body, body: body}, nil
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
