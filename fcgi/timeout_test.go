package fcgi_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	. "launcher/fcgi"
	"launcher/fcgi/fcgitest"
)

func TestClientTimeouts(t *testing.T) {
	drip := func(conn net.Conn) {
		for {
			if _, err := conn.Write(fcgitest.Stdout("X")); err != nil {
				return
			}
		}
	}
	stuck := func(conn net.Conn) {
		_, _ = conn.Write(fcgitest.Stdout("A: b\r\n\r\nx"))
		fcgitest.Silent(conn)
	}
	// Whole records, of which none is of the body; and bytes that never come to a whole record.
	flood := func(conn net.Conn) {
		for _, err := conn.Write(fcgitest.Stdout("A: b\r\n\r\n")); err == nil; _, err = conn.Write(fcgitest.Stderr("more\n")) {
		}
	}
	mumble := func(conn net.Conn) {
		for _, err := conn.Write(fcgitest.Stderr("more\n")); err == nil; _, err = conn.Write(fcgitest.Stderr("more\n")) {
		}
	}
	trickle := func(conn net.Conn) {
		_, err := conn.Write(append(fcgitest.Stdout("A: b\r\n\r\n"), "\x01\x06\x00\x01\xff\xff\x00\x00"...))
		for ; err == nil; _, err = conn.Write([]byte("x")) {
			time.Sleep(time.Millisecond) // it is the pace of the peer
		}
	}
	canceled, cancel := context.WithCancel(fcgitest.Context(t))
	cancel()
	asked, cancel := context.WithCancel(fcgitest.Context(t))
	defer cancel()
	cancelWhenAsked := func(conn net.Conn) {
		fcgitest.ReadHead(t, conn)
		cancel()
		fcgitest.Silent(conn)
	}
	tests := []struct {
		name   string
		ctx    context.Context
		client Client
		answer func(net.Conn)
		stage  Stage
		err    error
	}{
		{"silence, head timeout", fcgitest.Context(t), Client{HeadTimeout: 20 * time.Millisecond}, fcgitest.Silent, StageHead, context.DeadlineExceeded},
		{"drip, head timeout", fcgitest.Context(t), Client{HeadTimeout: 20 * time.Millisecond, MaxHead: 1 << 40}, drip, StageHead, context.DeadlineExceeded},
		{"silence, context", asked, Client{}, cancelWhenAsked, StageHead, context.Canceled},
		{"context was over", canceled, Client{}, fcgitest.Silent, StageConnect, context.Canceled},
		{"body, idle timeout", fcgitest.Context(t), Client{IdleTimeout: 20 * time.Millisecond}, stuck, StageBody, ErrIdle},
		{"STDERR alone, head timeout", fcgitest.Context(t), Client{HeadTimeout: 20 * time.Millisecond}, mumble, StageHead, context.DeadlineExceeded},
		{"STDERR alone in the body, idle timeout", fcgitest.Context(t), Client{IdleTimeout: 20 * time.Millisecond}, flood, StageBody, ErrIdle},
		{"bytes of one record, idle timeout", fcgitest.Context(t), Client{IdleTimeout: 20 * time.Millisecond}, trickle, StageBody, ErrIdle},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			test.client.Network, test.client.Address = "unix", fcgitest.Responder(t, test.answer)
			if test.ctx == nil {
				ctx, cancel := context.WithTimeout(fcgitest.Context(t), 500*time.Millisecond)
				defer cancel()
				test.ctx = ctx
			}
			_, _, err := fetch(test.ctx, &test.client, get())
			var failed *Error
			if !errors.As(err, &failed) || failed.Stage != test.stage || !errors.Is(err, test.err) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestClientCanceledInBody(t *testing.T) {
	ctx, cancel := context.WithCancel(fcgitest.Context(t))
	client := &Client{Network: "unix", Address: fcgitest.Responder(t, func(conn net.Conn) {
		_, _ = conn.Write(fcgitest.Stdout("A: b\r\n\r\n"))
		fcgitest.Silent(conn)
	})}
	resp, err := client.Do(ctx, get())
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	cancel()
	if _, err := resp.Body.Read(make([]byte, 1)); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// An application may answer before it has read the body, and even close.
func TestClientEarlyAnswer(t *testing.T) {
	r, w := io.Pipe()
	interrupted := make(chan struct{})
	client := &Client{Network: "unix", Address: fcgitest.Responder(t, func(conn net.Conn) {
		fcgitest.ReadHead(t, conn)
		_, _ = conn.Write(fcgitest.Whole("Status: 413", "no"))
	})}
	resp, body, err := fetch(fcgitest.Context(t), client, &Request{Body: r, ContentLength: 1 << 30,
		Interrupt: func() { close(interrupted); w.Close() }})
	if err != nil || resp.Status != 413 || body != "no" {
		t.Errorf("got %v, %q, %v", resp, body, err)
	}
	fcgitest.Await(t, "interruption of the body", interrupted)
}

func TestClientCloseEarly(t *testing.T) {
	closed := make(chan struct{})
	client := &Client{Network: "unix", Address: fcgitest.Responder(t, func(conn net.Conn) {
		_, _ = conn.Write(fcgitest.Stdout("A: b\r\n\r\nx"))
		fcgitest.Silent(conn)
		close(closed)
	})}
	resp, err := client.Do(fcgitest.Context(t), get())
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := resp.Body.Close(); err != nil {
			t.Error(err)
		}
	}
	fcgitest.Await(t, "end of the connection", closed)
	if _, err := resp.Body.Read(make([]byte, 1)); !errors.Is(err, http.ErrBodyReadAfterClose) {
		t.Errorf("got %v", err)
	}
}
