package load

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"syscall"
	"time"

	"launcher/fcgi"
)

// maxHead bounds the head of a response, interim ones (103 Early Hints) included.
const maxHead = 1 << 20

// HTTP returns a target for HTTP/1.1: "tcp" and host:port, or "unix" and the
// path of a socket. Each slot keeps its connection.
func HTTP(network, address string) Target { return &httpTarget{network, address} }

type httpTarget struct{ network, address string }

func (t *httpTarget) prepare(plan *Plan) (func() slot, error) {
	messages, err := plan.messages()
	if err != nil {
		return nil, err
	}
	encoded := make([][]byte, len(messages))
	for i, m := range messages {
		if encoded[i], err = m.wire(); err != nil {
			return nil, fmt.Errorf("encode request: %w", err)
		}
	}
	timeout := plan.Timeout
	return func() slot {
		s := &httpSlot{target: t, messages: messages, encoded: encoded, timeout: timeout}
		s.reader = bufio.NewReaderSize(&s.bounded, readBuffer)
		return s
	}, nil
}

// wire returns a message as HTTP/1.1 has it.
func (m *message) wire() ([]byte, error) {
	var wire bytes.Buffer
	r := *m.request
	if m.body != nil {
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(m.body)), int64(len(m.body))
	}
	if err := r.Write(&wire); err != nil {
		return nil, err
	}
	return wire.Bytes(), nil
}

type httpSlot struct {
	target   *httpTarget
	messages []*message
	encoded  [][]byte // those messages
	timeout  time.Duration

	conn    net.Conn // nil while there is none
	unwatch func()
	bounded io.LimitedReader // of conn: it bounds what a head may take
	reader  *bufio.Reader    // of bounded
	buf     []byte
}

// request sends a request, and sends it again, as RFC 9110 section 9.2.2 allows for what is idempotent, where the
// connection was kept and ended without a byte of the response: the server had closed it while it was idle.
func (s *httpSlot) request(ctx context.Context, kind int, own *message) (response Response, n note, err error) {
	sent, wire := s.messages[kind], s.encoded[kind]
	if own != nil {
		sent = own
		if wire, err = own.wire(); err != nil {
			return Response{}, n, fmt.Errorf("encode request: %w", err)
		}
	}
	deadline := time.Now().Add(s.timeout)
	kept := s.conn != nil
	response, err = s.exchange(ctx, deadline, sent, wire, &n)
	if kept && sent.idempotent && errors.Is(err, errClosed) && ctx.Err() == nil {
		n.retried = true
		response, err = s.exchange(ctx, deadline, sent, wire, &n)
	}
	return response, n, err
}

// exchange makes one attempt. After an error there is no connection.
func (s *httpSlot) exchange(ctx context.Context, deadline time.Time, sent *message, wire []byte, n *note) (response Response, err error) {
	if s.conn == nil {
		if err := s.connect(ctx, deadline); err != nil {
			return Response{}, err
		}
		n.connects++
	}
	keep := false
	defer func() {
		if !keep || err != nil {
			s.close()
		}
	}()
	if err := s.conn.SetDeadline(deadline); err != nil {
		return Response{}, err
	}
	// The end of ctx may have set its deadline before this one replaced it.
	if ctx.Err() != nil {
		return Response{}, context.Cause(ctx)
	}
	if _, err := s.conn.Write(wire); err != nil {
		return Response{}, closedEarly(err)
	}
	response, keep, err = s.receive(sent)
	return response, err
}

// receive reads a whole response, and tells whether the connection may be kept.
func (s *httpSlot) receive(sent *message) (response Response, keep bool, err error) {
	s.bounded.N = maxHead
	if _, err := s.reader.Peek(1); err != nil {
		return Response{}, false, closedEarly(err)
	}
	resp, err := s.head(sent.request)
	if err != nil {
		if s.bounded.N <= 0 {
			err = errBigHead
		} else if errors.Is(err, io.ErrUnexpectedEOF) {
			err = errCutHead
		}
		return Response{}, false, err
	}
	defer resp.Body.Close() // it is read to its end, or its connection ends with it
	s.bounded.N = math.MaxInt64
	response = Response{Status: resp.StatusCode, Header: resp.Header}
	if response.Bytes, err = s.drain(sent.reader(resp.Body)); err != nil {
		return response, false, err
	}
	if s.reader.Buffered() > 0 {
		return response, false, errExcess
	}
	return response, !resp.Close, nil
}

// head reads up to the body of the final response.
func (s *httpSlot) head(r *http.Request) (*http.Response, error) {
	for {
		resp, err := http.ReadResponse(s.reader, r)
		if err != nil || resp.StatusCode/100 != 1 || resp.StatusCode == http.StatusSwitchingProtocols {
			return resp, err
		}
	}
}

// drain reads a body to its end.
func (s *httpSlot) drain(body io.Reader) (size int64, err error) {
	if s.buf == nil {
		s.buf = make([]byte, readBuffer)
	}
	return drain(body, s.buf)
}

// reader returns the body of a response, which is kept in page where that is wanted.
func (m *message) reader(body io.Reader) io.Reader {
	if m.page == nil {
		return body
	}
	return io.TeeReader(body, &boundedWriter{m.page, maxPage})
}

func drain(body io.Reader, buf []byte) (size int64, err error) {
	for {
		n, err := body.Read(buf)
		size += int64(n)
		if errors.Is(err, io.EOF) {
			return size, nil
		}
		if err != nil {
			return size, err
		}
	}
}

func (s *httpSlot) connect(ctx context.Context, deadline time.Time) error {
	dialing, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	conn, err := fcgi.Dial(dialing, s.target.network, s.target.address)
	if err != nil {
		return err
	}
	cut := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(cut)
		// The error would say that conn is closed already.
		_ = conn.SetDeadline(time.Unix(1, 0))
	})
	s.unwatch = func() {
		if !stop() {
			<-cut
		}
	}
	s.conn, s.bounded.R, s.bounded.N = conn, conn, maxHead
	s.reader.Reset(&s.bounded)
	return nil
}

func (s *httpSlot) close() {
	if s.conn == nil {
		return
	}
	s.unwatch()
	_ = s.conn.Close() // nothing is buffered on our side
	s.conn = nil
}

// closedEarly returns one error for all that a closed connection is before the
// first byte of a response.
func closedEarly(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) {
		return errClosed
	}
	return err
}
