package load

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"launcher/fcgi"
)

// FastCGI returns a target whose workers get requests directly, each at its unix socket. Root is
// the document root that they are told. A connection carries one request, as from lighttpd.
func FastCGI(sockets []string, root string) Target { return &fastCGITarget{sockets, root} }

type fastCGITarget struct {
	sockets []string
	root    string
}

func (t *fastCGITarget) prepare(plan *Plan) (func() slot, error) {
	if len(t.sockets) == 0 {
		return nil, errors.New("there is no socket to ask")
	}
	requests, err := plan.requests()
	if err != nil {
		return nil, err
	}
	encoded := make([]*fcgi.Request, 0, len(requests))
	for _, r := range requests {
		params := environment(r, t.root)
		if _, err := params.Append(nil); err != nil {
			return nil, fmt.Errorf("encode request: %w", err)
		}
		encoded = append(encoded, &fcgi.Request{Params: params})
	}
	balancer := newBalancer(len(t.sockets))
	timeout := plan.Timeout
	return func() slot {
		s := &fastCGISlot{target: t, requests: encoded, timeout: timeout, balancer: balancer, buf: make([]byte, readBuffer)}
		s.client = fcgi.Client{Network: "unix", DialTimeout: timeout, Stderr: s.noteStderr}
		return s
	}, nil
}

// environment returns what lighttpd sends for a GET (RFC 3875, section 4.1). The sockets have
// no addresses, so they are those of a visitor on this machine.
func environment(r *http.Request, root string) fcgi.Params {
	name, port, err := net.SplitHostPort(r.Host)
	if err != nil {
		name, port = r.Host, "80"
	}
	params := fcgi.Params{
		{Name: "GATEWAY_INTERFACE", Value: "CGI/1.1"},
		{Name: "SERVER_SOFTWARE", Value: userAgent},
		{Name: "SERVER_PROTOCOL", Value: "HTTP/1.1"},
		{Name: "SERVER_NAME", Value: name},
		{Name: "SERVER_PORT", Value: port},
		{Name: "SERVER_ADDR", Value: "127.0.0.1"},
		{Name: "REMOTE_ADDR", Value: "127.0.0.1"},
		{Name: "REMOTE_PORT", Value: "0"},
		{Name: "REQUEST_METHOD", Value: r.Method},
		{Name: "REQUEST_SCHEME", Value: "http"},
		{Name: "REQUEST_URI", Value: r.URL.RequestURI()},
		{Name: "SCRIPT_NAME"},
		{Name: "PATH_INFO", Value: r.URL.Path},
		{Name: "QUERY_STRING", Value: r.URL.RawQuery},
		{Name: "DOCUMENT_ROOT", Value: root},
		{Name: "HTTP_HOST", Value: r.Host},
	}
	return append(params, fcgi.HeaderParams(r.Header)...)
}

type fastCGISlot struct {
	target   *fastCGITarget
	requests []*fcgi.Request
	timeout  time.Duration
	balancer *balancer
	client   fcgi.Client
	buf      []byte
	noted    note // of the request under way
}

func (s *fastCGISlot) request(ctx context.Context, path int) (Response, note, error) {
	worker := s.balancer.take()
	defer s.balancer.release(worker)
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	s.noted, s.client.Address = note{}, s.target.sockets[worker]
	response, err := s.exchange(ctx, path)
	if !fcgi.NothingSent(err) {
		s.noted.connects = 1
	}
	return response, s.noted, err
}

// exchange reads the response to the end of the request, at which the worker is free.
func (s *fastCGISlot) exchange(ctx context.Context, path int) (Response, error) {
	resp, err := s.client.Do(ctx, s.requests[path])
	if err != nil {
		return Response{}, err
	}
	defer resp.Body.Close()
	response := Response{Status: resp.Status, Header: resp.Header}
	response.Bytes, err = drain(resp.Body, s.buf)
	return response, err
}

// noteStderr counts a line of the worker's error stream. The goroutine of the slot calls it.
func (s *fastCGISlot) noteStderr(line string) {
	if s.noted.lines == 0 {
		s.noted.stderr = line
	}
	s.noted.lines++
}

func (s *fastCGISlot) close() {} // each request closes its connection
