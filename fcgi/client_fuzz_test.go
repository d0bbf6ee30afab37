package fcgi_test

import (
	"bytes"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	. "launcher/fcgi"
	"launcher/fcgi/fcgitest"
)

// pipeConn turns fuzzed bytes into a connection.
type pipeConn struct {
	net.Conn
	r io.Reader
}

func (p *pipeConn) Read(b []byte) (int, error)  { return p.r.Read(b) }
func (p *pipeConn) Write(b []byte) (int, error) { return len(b), nil }
func (p *pipeConn) Close() error                { return nil }
func (p *pipeConn) SetDeadline(time.Time) error { return nil }

func FuzzClientResponse(f *testing.F) {
	f.Add(fcgitest.Whole("Status: 200 OK\r\nContent-Length: 3", "abc"), "GET")
	f.Add(fcgitest.Whole("Transfer-Encoding: chunked", "3\r\nabc\r\n0\r\n\r\n"), "GET")
	f.Add(slices.Concat(fcgitest.Stderr("x"), fcgitest.Stdout("A: b\n\n"), fcgitest.Stdout("c"), fcgitest.End()), "HEAD")
	f.Add(AppendEndRequest(nil, 1, 0, StatusOverloaded), "GET")
	f.Fuzz(func(t *testing.T, input []byte, method string) {
		resp, err := Receive(&pipeConn{r: bytes.NewReader(input)}, method)
		if err != nil {
			return
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if resp.Status < 200 || resp.Status > 999 || len(body) > len(input) {
			t.Errorf("status %d, %d bytes", resp.Status, len(body))
		}
		length := resp.Header.Get("Content-Length")
		if n, convErr := strconv.Atoi(length); err == nil && length != "" && len(body) > 0 && (convErr != nil || n != len(body)) {
			t.Errorf("a whole body of %d bytes has Content-Length %q", len(body), length)
		}
		for name, values := range resp.Header {
			if !IsToken(name) || strings.ContainsAny(strings.Join(values, ""), "\r\n\x00") {
				t.Errorf("header %q: %q", name, values)
			}
		}
	})
}
