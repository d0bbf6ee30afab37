package load

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
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
	messages, err := plan.messages()
	if err != nil {
		return nil, err
	}
	encoded := make([]fcgi.Params, len(messages))
	for i, m := range messages {
		encoded[i] = environment(m, t.root)
		if _, err := encoded[i].Append(nil); err != nil {
			return nil, fmt.Errorf("encode request: %w", err)
		}
	}
	balancer := newBalancer(len(t.sockets))
	timeout := plan.Timeout
	return func() slot {
		s := &fastCGISlot{target: t, messages: messages, encoded: encoded, timeout: timeout, balancer: balancer, buf: make([]byte, readBuffer)}
		s.client = fcgi.Client{Network: "unix", DialTimeout: timeout, Stderr: s.noteStderr}
		return s
	}, nil
}

// environment returns what lighttpd sends (RFC 3875, section 4.1). The sockets have
// no addresses, so they are those of a visitor on this machine.
func environment(m *message, root string) fcgi.Params {
	r := m.request
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
	if m.body != nil { // its length is added where it is sent
		params = append(params, fcgi.Param{Name: "CONTENT_TYPE", Value: r.Header.Get("Content-Type")})
	}
	return append(params, fcgi.HeaderParams(r.Header)...)
}

type fastCGISlot struct {
	target   *fastCGITarget
	messages []*message
	encoded  []fcgi.Params // those messages
	timeout  time.Duration
	balancer *balancer
	client   fcgi.Client
	buf      []byte
	noted    note // of the request under way
}

func (s *fastCGISlot) request(ctx context.Context, kind int, own *message) (Response, note, error) {
	worker := s.balancer.take()
	defer s.balancer.release(worker)
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	s.noted, s.client.Address = note{}, s.target.sockets[worker]
	sent, params := s.messages[kind], s.encoded[kind]
	if own != nil {
		sent, params = own, environment(own, s.target.root)
	}
	response, err := s.exchange(ctx, sent, params)
	if !fcgi.NothingSent(err) {
		s.noted.connects = 1
	}
	return response, s.noted, err
}

// exchange reads the response to the end of the request, at which the worker is free.
func (s *fastCGISlot) exchange(ctx context.Context, sent *message, params fcgi.Params) (Response, error) {
	request := fcgi.Request{Params: params, ContentLength: int64(len(sent.body))}
	if sent.body != nil {
		request.Body = bytes.NewReader(sent.body)
	}
	resp, err := s.client.Do(ctx, &request)
	if err != nil {
		return Response{}, err
	}
	defer resp.Body.Close()
	response := Response{Status: resp.Status, Header: resp.Header}
	response.Bytes, err = drain(sent.reader(resp.Body), s.buf)
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
