package fcgi_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	. "launcher/fcgi"
	"launcher/fcgi/fcgitest"
)

// echo plays an application that returns each piece of the body as soon as it has come.
func echo(conn net.Conn) {
	_, _ = conn.Write(fcgitest.Stdout("A: b\r\n\r\n"))
	for records := NewRecordReader(conn); ; {
		record, err := records.Next()
		switch {
		case err != nil:
			return
		case record.Type == TypeStdin && len(record.Content) > 0:
			_, _ = conn.Write(fcgitest.Stdout(string(record.Content)))
		case record.Type == TypeStdin:
			_, _ = conn.Write(fcgitest.End())
			return
		}
	}
}

// A piece of the response must be readable before the next piece of the body is there.
func TestClientStreamsBothWays(t *testing.T) {
	r, w := io.Pipe()
	pieces := []string{"one", "two", strings.Repeat("3", 100_000)}
	client := &Client{Network: "unix", Address: fcgitest.Responder(t, echo)}
	resp, err := client.Do(fcgitest.Context(t), &Request{Body: r, ContentLength: int64(len(strings.Join(pieces, ""))), Interrupt: func() { w.Close() }})
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	for _, piece := range pieces {
		written := make(chan error, 1)
		go func() {
			_, err := io.WriteString(w, piece)
			written <- err
		}()
		got := make([]byte, len(piece))
		if _, err := io.ReadFull(resp.Body, got); err != nil || string(got) != piece {
			t.Fatalf("got %.80q, %v", got, err)
		}
		if err := fcgitest.Await(t, "the piece to be taken", written); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := resp.Body.Read(make([]byte, 1)); n != 0 || !errors.Is(err, io.EOF) {
		t.Errorf("got %d bytes, %v", n, err)
	}
}

// A response that is longer than any buffer comes while a body is sent that is, too.
func TestClientSendsWhileItReceives(t *testing.T) {
	body := bytes.Repeat([]byte("0123456789abcdef"), 1<<18)
	client := &Client{Network: "unix", Address: fcgitest.Responder(t, echo)}
	_, got, err := fetch(fcgitest.Context(t), client, &Request{Body: bytes.NewReader(body), ContentLength: int64(len(body))})
	if err != nil || got != string(body) {
		t.Errorf("got %d bytes of %d, %v", len(got), len(body), err)
	}
}

// Nothing that an application does not read is waited for beyond the bounds, and what waits ends with the context.
func TestClientOfWhoReadsNothing(t *testing.T) {
	asked, cancel := context.WithCancel(fcgitest.Context(t))
	defer cancel()
	told, cancelTold := context.WithCancel(fcgitest.Context(t))
	defer cancelTold()
	large := func() *Request { return &Request{Body: io.LimitReader(zeroes{}, 1<<40), ContentLength: 1 << 40} }
	for _, test := range []struct {
		name    string
		ctx     context.Context
		client  Client
		req     *Request
		started func()
		err     error
	}{
		{"body, head timeout", fcgitest.Context(t), Client{HeadTimeout: 50 * time.Millisecond}, large(), nil, context.DeadlineExceeded},
		{"parameters, head timeout", fcgitest.Context(t), Client{HeadTimeout: 50 * time.Millisecond, MaxParams: 1 << 30},
			&Request{Params: Params{{"A", strings.Repeat("x", 4<<20)}}}, nil, context.DeadlineExceeded},
		{"body, context", asked, Client{}, large(), cancel, context.Canceled},
		{"parameters, context", told, Client{MaxParams: 1 << 30}, &Request{Params: Params{{"A", strings.Repeat("x", 4<<20)}}}, cancelTold, context.Canceled},
	} {
		t.Run(test.name, func(t *testing.T) {
			ended := make(chan struct{})
			defer close(ended)
			test.client.Network, test.client.Address = "unix", fcgitest.Responder(t, func(net.Conn) {
				if test.started != nil {
					test.started()
				}
				<-ended
			})
			_, err := test.client.Do(test.ctx, test.req)
			var failed *Error
			if !errors.As(err, &failed) || !errors.Is(err, test.err) || test.started == nil && test.ctx.Err() != nil {
				t.Errorf("got %v", err)
			}
		})
	}
}

type zeroes struct{}

func (zeroes) Read(p []byte) (int, error) { return len(p), nil }

// A reset is not the end of a page.
func TestClientReset(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	seen := make(chan struct{})
	fcgitest.RespondOn(t, listener, func(conn net.Conn) {
		_, _ = conn.Write(fcgitest.Stdout("A: b\r\n\r\nhalf"))
		<-seen
		_ = conn.(*net.TCPConn).SetLinger(0)
	})
	resp, err := (&Client{Network: "tcp", Address: listener.Addr().String()}).Do(fcgitest.Context(t), get())
	close(seen)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if text, err := io.ReadAll(resp.Body); string(text) != "half" || !errors.Is(err, ErrConnectionClosed) {
		t.Errorf("got %q, %v", text, err)
	}
}

// The status of the application is its own affair: programs of CGI have one (specification, section 5.5).
func TestClientApplicationStatus(t *testing.T) {
	client := &Client{Network: "unix", Address: fcgitest.Responder(t, fcgitest.After(append(fcgitest.Stdout("A: b\r\n\r\nx"), AppendEndRequest(nil, 1, 1, StatusRequestComplete)...)))}
	if _, body, err := fetch(fcgitest.Context(t), client, get()); err != nil || body != "x" {
		t.Errorf("got %q, %v", body, err)
	}
}
