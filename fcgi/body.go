package fcgi

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"strings"
	"time"
)

// responseStream is the STDOUT of a response behind its head.
type responseStream struct {
	client   *Client
	exchange *exchange
	demux    *demuxer
	idle     time.Duration
}

// Read reads STDOUT, each record within the idle bound.
func (s *responseStream) Read(p []byte) (int, error) {
	if s.idle > 0 && s.buffered() == 0 {
		timer := time.AfterFunc(s.idle, func() { s.exchange.stop(errIdle) })
		defer timer.Stop()
	}
	return s.demux.Read(p)
}

// buffered is how much can be read without waiting.
func (s *responseStream) buffered() int { return len(s.demux.content) }

// errIdle is a time-out, so it answers to os.ErrDeadlineExceeded's interface.
var errIdle error = idleError{}

type idleError struct{}

func (idleError) Error() string { return "no record came within the idle time-out" }
func (idleError) Timeout() bool { return true }

// responseBody is the body as the caller sees it.
type responseBody struct {
	stream   responseStream
	r        io.Reader
	err      error
	recycled bool
}

// frame picks the framing of the body.
func (b *responseBody) frame(head *responseHead, method string) error {
	s := &b.stream
	codings := head.header["Transfer-Encoding"]
	switch {
	case method == http.MethodHead || head.status == http.StatusNoContent || head.status == http.StatusNotModified:
		// These have no body, whatever the application sends (RFC 9110,
		// section 6.4.1). It is read to its end all the same: that is when the
		// worker is free.
		b.r = &emptyReader{s}
	case len(codings) > 0:
		// Applications that believe to speak HTTP/1.1 frame the body
		// themselves: ActionController::Streaming up to Rails 6.1.
		if len(codings) > 1 || !strings.EqualFold(codings[0], "chunked") {
			return fmt.Errorf("%w: transfer encoding %s", ErrBadHeader, excerpt(strings.Join(codings, ", ")))
		}
		head.header.Del("Content-Length") // RFC 9112, section 6.3
		b.r = &chunkedReader{r: httputil.NewChunkedReader(s), rest: s}
	case head.length >= 0:
		b.r = &sizedReader{r: s, left: head.length}
	default:
		b.r = s
	}
	delete(head.header, "Transfer-Encoding")
	return nil
}

// Read returns what has come. io.EOF means that the response is whole and the
// application has ended the request.
func (b *responseBody) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	n, err := b.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = b.stream.client.fail(StageBody, b.stream.exchange.explain(err))
	}
	b.err = err
	return n, err
}

// ready tells whether Read returns without waiting for the application.
func (b *responseBody) ready() bool {
	demux := b.stream.demux
	switch b.r.(type) {
	case *emptyReader: // nothing but its end is ever read
		for demux.ready() && demux.err == nil {
			demux.content = nil
		}
		return demux.err != nil
	case *chunkedReader:
		return false // the rest of a chunk may be yet to come
	}
	return demux.ready()
}

// Close ends the request. An application that still answers finds the
// connection closed.
func (b *responseBody) Close() error {
	if b.err == nil {
		b.err = http.ErrBodyReadAfterClose
		b.stream.demux.stderr.flush()
	}
	if b.recycled {
		return nil // its connection may have another request by now
	}
	whole := errors.Is(b.err, io.EOF)
	b.stream.exchange.close(whole && b.stream.demux.records.empty())
	if whole {
		b.recycled = true
		b.stream.demux.records.recycle() // Read does not come here again
	}
	return nil
}

// emptyReader drops everything up to the end of the response.
type emptyReader struct{ r io.Reader }

func (e *emptyReader) Read([]byte) (int, error) {
	if _, err := io.Copy(io.Discard, e.r); err != nil {
		return 0, err
	}
	return 0, io.EOF
}

// sizedReader checks a body against its Content-Length, and reports the end
// only after END_REQUEST has confirmed it.
type sizedReader struct {
	r    io.Reader
	left int64
}

func (s *sizedReader) Read(p []byte) (int, error) {
	if s.left > 0 {
		n, err := s.r.Read(p[:min(int64(len(p)), s.left)])
		s.left -= int64(n)
		if errors.Is(err, io.EOF) {
			err = fmt.Errorf("%w: %d bytes are missing", ErrBodyShort, s.left)
		}
		return n, err
	}
	var more [1]byte
	if n, err := s.r.Read(more[:]); n == 0 {
		return 0, err
	}
	return 0, ErrBodyLong
}

// chunkedReader undoes the chunked coding of an application.
type chunkedReader struct {
	r    io.Reader
	rest io.Reader
}

func (c *chunkedReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	if err == nil {
		return n, nil
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return n, fmt.Errorf("%w: last chunk is missing", ErrBodyShort)
	}
	if errors.Is(err, io.EOF) {
		// Trailer fields and the last line end are of no use here.
		if _, err := io.Copy(io.Discard, c.rest); err != nil {
			return n, err
		}
	}
	return n, err
}
