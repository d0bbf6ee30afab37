package fcgi_test

import (
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	. "launcher/fcgi"
	"launcher/fcgi/fcgitest"
)

func do(t *testing.T, method string, answer func(net.Conn)) *Response {
	t.Helper()
	client := &Client{Network: "unix", Address: fcgitest.Responder(t, answer)}
	resp, err := client.Do(fcgitest.Context(t), &Request{Params: Params{{Name: "REQUEST_METHOD", Value: method}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	return resp
}

// A response that has come as a whole is read to its end without waiting.
func TestResponseReady(t *testing.T) {
	page := strings.Repeat("x", 30_000)
	for _, test := range []struct {
		name, method string
		output       []byte
		body         string
		err          error
	}{
		{"small", "GET", fcgitest.Whole("A: b", "hello"), "hello", io.EOF},
		{"with a length", "GET", fcgitest.Whole("Content-Length: 5", "hello"), "hello", io.EOF},
		{"large", "GET", fcgitest.Whole("A: b", page), page, io.EOF},
		{"in pieces", "GET", slices.Concat(fcgitest.Stdout("A: b\r\n\r\none"), fcgitest.Stderr("oh"), fcgitest.Stdout("two"), fcgitest.End()), "onetwo", io.EOF},
		{"empty", "GET", fcgitest.Whole("A: b", ""), "", io.EOF},
		{"no body", "HEAD", fcgitest.Whole("Content-Length: 5", "hello"), "", io.EOF},
		{"too short", "GET", fcgitest.Whole("Content-Length: 9", "hello"), "hello", ErrBodyShort},
	} {
		resp := do(t, test.method, fcgitest.After(test.output))
		var body []byte
		buf := make([]byte, 1000)
		for {
			if !resp.Ready() {
				t.Errorf("%s: after %d bytes nothing is ready", test.name, len(body))
				break
			}
			n, err := resp.Body.Read(buf)
			body = append(body, buf[:n]...)
			if err != nil {
				if !errors.Is(err, test.err) {
					t.Errorf("%s: got %v", test.name, err)
				}
				break
			}
		}
		if string(body) != test.body {
			t.Errorf("%s: got %d bytes", test.name, len(body))
		}
	}
}

// What may have to be waited for is not ready: a body that goes on, its end, the rest of a record or of its padding.
func TestResponseNotReady(t *testing.T) {
	padded := fcgitest.Stdout("three")
	padded[6] = 8 // bytes of padding, which do not come
	for name, output := range map[string][]byte{
		"head alone": fcgitest.Stdout("A: b\r\n\r\n"), "part of a body": fcgitest.Stdout("A: b\r\n\r\none"), "end of STDOUT": slices.Concat(fcgitest.Stdout("A: b\r\n\r\none"), fcgitest.Stdout("")),
		"log": slices.Concat(fcgitest.Stdout("A: b\r\n\r\none"), fcgitest.Stderr("oh")), "part of a record": slices.Concat(fcgitest.Stdout("A: b\r\n\r\none"), fcgitest.Stdout("two")[:9]),
		"part of a header": slices.Concat(fcgitest.Stdout("A: b\r\n\r\none"), fcgitest.Stdout("two")[:5]), "padding": slices.Concat(fcgitest.Stdout("A: b\r\n\r\none"), padded),
	} {
		finish := make(chan struct{})
		resp := do(t, "GET", func(conn net.Conn) {
			if _, err := fcgitest.ReadRequest(conn); err == nil {
				_, _ = conn.Write(output)
				<-finish
			}
		})
		buf := make([]byte, 10)
		for resp.Ready() {
			if n, err := resp.Body.Read(buf); err != nil || n == 0 {
				t.Errorf("%s: got %d bytes, %v", name, n, err)
			}
		}
		close(finish)
		if _, err := io.ReadAll(resp.Body); !errors.Is(err, ErrConnectionClosed) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// An application that has died is told from one that said something, and from one that takes its time.
func TestUnanswered(t *testing.T) {
	for _, test := range []struct {
		name   string
		answer func(net.Conn)
		want   bool
	}{
		{"dies", fcgitest.After(nil), true},
		{"dies without reading", func(net.Conn) {}, true},
		{"dies after an error", fcgitest.After(fcgitest.Stderr("oh dear\n")), true},
		{"dies in its head", fcgitest.After(fcgitest.Stdout("A: b\r\n")), false},
		{"says nothing", fcgitest.After(fcgitest.End()), false},
		{"takes its time", fcgitest.Silent, false},
	} {
		client := &Client{Network: "unix", Address: fcgitest.Responder(t, test.answer)}
		if test.name == "takes its time" {
			client.HeadTimeout = time.Millisecond
		}
		_, err := client.Do(fcgitest.Context(t), &Request{Params: Params{{Name: "REQUEST_METHOD", Value: "GET"}}})
		// One that has left before anything was sent is told by the stage.
		if err == nil || Unanswered(err) != test.want && !NothingSent(err) {
			t.Errorf("%s: got %v", test.name, err)
		}
	}
}
