package fcgi_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	. "launcher/fcgi"
	"launcher/fcgi/fcgitest"
)

// refuser refuses every connection on a new socket and reports the outcome.
func refuser(t *testing.T) (path string, outcome <-chan error) {
	results := make(chan error, 3)
	return fcgitest.Responder(t, func(conn net.Conn) {
		results <- Refuse(conn, http.StatusServiceUnavailable, "busy\n", 1500*time.Millisecond)
	}), results
}

func TestRefuse(t *testing.T) {
	path, outcome := refuser(t)
	client := &Client{Network: "unix", Address: path}
	resp, body, err := fetch(fcgitest.Context(t), client, get())
	if err != nil || resp.Status != 503 || body != "busy\n" || resp.Header.Get("Retry-After") != "2" {
		t.Errorf("got %+v, %q, %v", resp, body, err)
	}
	if err := fcgitest.Await(t, "the refusal", outcome); err != nil {
		t.Error(err)
	}
}

// TestRefuseKeepsTheConnection where it is asked for that: what follows is refused, too, and is not an end without an answer.
func TestRefuseKeepsTheConnection(t *testing.T) {
	path, outcome := refuser(t)
	client := &Client{Network: "unix", Address: path, Keep: &Kept{}}
	for n := range 3 {
		resp, body, err := fetch(fcgitest.Context(t), client, get())
		if err != nil || resp.Status != 503 || body != "busy\n" {
			t.Errorf("request %d: %+v, %q, %v", n, resp, body, err)
		}
	}
	client.Keep.Close()
	if err := fcgitest.Await(t, "the refusal", outcome); err != nil {
		t.Error(err)
	}
}

// The answer must survive a peer that is still sending its body, over TCP too,
// where a reset overtakes data.
func TestRefuseWhileBodyIsSent(t *testing.T) {
	for _, network := range []string{"unix", "tcp"} {
		t.Run(network, func(t *testing.T) {
			address := "127.0.0.1:0"
			if network == "unix" {
				address = fcgitest.TempDir(t) + "/s"
			}
			listener, err := net.Listen(network, address)
			if err != nil {
				t.Fatal(err)
			}
			fcgitest.RespondOn(t, listener, func(conn net.Conn) {
				if err := Refuse(conn, 503, "busy\n", 0); err != nil {
					t.Error(err)
				}
			})
			client := &Client{Network: network, Address: listener.Addr().String()}
			size := int64(4 << 20)
			resp, body, err := fetch(fcgitest.Context(t), client, &Request{Body: bytes.NewReader(make([]byte, size)), ContentLength: size})
			if err != nil || resp.Status != 503 || body != "busy\n" || resp.Header.Get("Retry-After") != "" {
				t.Errorf("got %+v, %q, %v", resp, body, err)
			}
		})
	}
}

// A peer that writes all before it reads must get that far.
func TestRefuseDrainsBody(t *testing.T) {
	path, outcome := refuser(t)
	conn, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	head := slices.Concat(AppendBeginRequest(nil, 1, RoleResponder), AppendRecord(nil, TypeParams, 1, nil))
	if _, err := conn.Write(AppendRecord(head, TypeStdin, 1, make([]byte, 4<<20))); err != nil {
		t.Errorf("write body: %v", err)
	}
	if got, err := io.ReadAll(conn); err != nil || !strings.Contains(string(got), "Status: 503") {
		t.Errorf("got %q, %v", got, err)
	}
	conn.Close()
	if err := fcgitest.Await(t, "the refusal", outcome); err != nil {
		t.Error(err)
	}
}

func TestRefuseOddInput(t *testing.T) {
	begin := AppendBeginRequest(nil, 9, RoleResponder)
	endless := bytes.Repeat(AppendRecord(nil, TypeParams, 9, make([]byte, 60000)), 20)
	tests := []struct {
		name  string
		input []byte
		want  string // found in what is answered
		err   error
	}{
		{"large id", slices.Concat(AppendBeginRequest(nil, 65535, RoleResponder), AppendRecord(nil, TypeParams, 65535, nil)), "Status: 503", nil},
		{"abort", slices.Concat(begin, AppendRecord(nil, TypeAbortRequest, 9, nil)), "Status: 503", nil},
		{"unknown role", AppendBeginRequest(nil, 9, 99), string(AppendEndRequest(nil, 9, 0, StatusUnknownRole)), nil},
		{"nothing", nil, "", io.ErrUnexpectedEOF},
		{"half a header", []byte("\x01\x01"), "", io.ErrUnexpectedEOF},
		{"http", []byte("GET / HTTP/1.1\r\n\r\n"), "", ErrVersion},
		{"id 0", AppendBeginRequest(nil, 0, RoleResponder), "", ErrRecordContent},
		{"short begin", AppendRecord(nil, TypeBeginRequest, 9, []byte("a")), "", ErrRecordContent},
		{"params first", AppendRecord(nil, TypeParams, 9, nil), "", ErrRequestID},
		{"other id", slices.Concat(begin, AppendRecord(nil, TypeParams, 8, nil)), "", ErrRequestID},
		{"second begin", slices.Concat(begin, begin), "", ErrRecordType},
		{"stdin first", slices.Concat(begin, AppendRecord(nil, TypeStdin, 9, nil)), "", ErrRecordType},
		{"endless", slices.Concat(begin, endless), "", ErrRequestTooLarge},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			path, outcome := refuser(t)
			conn, err := net.Dial("unix", path)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			_, _ = conn.Write(test.input) // it may be refused before it is written
			_ = conn.(*net.UnixConn).CloseWrite()
			got, _ := io.ReadAll(conn) // a reset is fine where nothing is answered
			if test.want == "" && len(got) > 0 || !strings.Contains(string(got), test.want) {
				t.Errorf("got %q", got)
			}
			if err := fcgitest.Await(t, "the refusal", outcome); !errors.Is(err, test.err) {
				t.Errorf("got %v, want %v", err, test.err)
			}
		})
	}
}

func TestRefuseDoesNotAnswerProbes(t *testing.T) {
	path, outcome := refuser(t)
	if values, err := Probe(fcgitest.Context(t), "unix", path); err == nil {
		t.Errorf("got %v", values)
	}
	if err := fcgitest.Await(t, "the refusal", outcome); !errors.Is(err, ErrProbe) {
		t.Errorf("got %v", err)
	}
}
