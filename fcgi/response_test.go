package fcgi_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"reflect"
	"slices"
	"strings"
	"testing"

	. "launcher/fcgi"
	"launcher/fcgi/fcgitest"
)

func TestClientResponses(t *testing.T) {
	const head = "Content-Type: text/plain\r\n\r\n"
	tests := []struct {
		name   string
		output []byte
		method string
		status int
		body   string
		stage  Stage
		err    error
	}{
		{name: "plain", output: fcgitest.Whole("Content-Type: text/plain", "hello"), status: 200, body: "hello"},
		{name: "status", output: fcgitest.Whole("Status: 404 Not Found", "no"), status: 404, body: "no"},
		{name: "status without reason", output: fcgitest.Whole("Status: 500", ""), status: 500},
		{name: "location alone", output: fcgitest.Whole("Location: http://x/", ""), status: 302},
		{name: "bare line feeds", output: slices.Concat(fcgitest.Stdout("Status: 201\nA: b\n\nok"), fcgitest.End()), status: 201, body: "ok"},
		{name: "no empty STDOUT", output: slices.Concat(fcgitest.Stdout(head+"x"), fcgitest.End()), status: 200, body: "x"},
		{name: "head split, STDERR before and between", status: 202, body: "ab",
			output: slices.Concat(fcgitest.Stderr("e1\n"), fcgitest.Stdout("Status: 2"), fcgitest.Stderr("e2\n"), fcgitest.Stdout("02\r"), fcgitest.Stdout("\n\r"), fcgitest.Stdout("\na"), fcgitest.Stderr("e3"), fcgitest.Stdout("b"), fcgitest.End())},
		{name: "padding 255 and 65535 bytes", status: 200, body: strings.Repeat("y", MaxContent),
			output: slices.Concat(fcgitest.Stdout(head), []byte("\x01\x06\x00\x01\xff\xff\xff\x00"), bytes.Repeat([]byte("y"), MaxContent), make([]byte, 255), fcgitest.End())},
		{name: "head and body in one record of 65535 bytes", status: 200, body: strings.Repeat("z", MaxContent-len(head)),
			output: slices.Concat(fcgitest.Stdout(head+strings.Repeat("z", MaxContent-len(head))), fcgitest.End())},
		{name: "data after END_REQUEST", output: slices.Concat(fcgitest.Whole("A: b", "x"), fcgitest.Stdout("evil"), []byte("garbage")), status: 200, body: "x"},
		{name: "content length", output: fcgitest.Whole("Content-Length: 3", "abc"), status: 200, body: "abc"},
		{name: "content length twice", output: fcgitest.Whole("Content-Length: 3\r\nContent-Length: 3", "abc"), status: 200, body: "abc"},
		{name: "HEAD with a body", method: "HEAD", output: fcgitest.Whole("Content-Length: 3", "abc"), status: 200},
		{name: "HEAD with a length alone", method: "HEAD", output: fcgitest.Whole("Content-Length: 3", ""), status: 200},
		{name: "204 with a body", output: fcgitest.Whole("Status: 204", "abc"), status: 204},
		{name: "304 with a body", output: fcgitest.Whole("Status: 304", "abc"), status: 304},
		{name: "chunked by the application", output: fcgitest.Whole("Transfer-Encoding: chunked", "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"), status: 200, body: "abcde"},

		{name: "nothing", output: nil, stage: StageHead, err: ErrConnectionClosed},
		{name: "END_REQUEST alone", output: fcgitest.End(), stage: StageHead, err: ErrNoResponse},
		{name: "empty STDOUT and END_REQUEST", output: slices.Concat(fcgitest.Stdout(""), fcgitest.End()), stage: StageHead, err: ErrNoResponse},
		{name: "head does not end", output: slices.Concat(fcgitest.Stdout("A: b\r\n"), fcgitest.End()), stage: StageHead, err: ErrBadHeader},
		{name: "closes in head", output: fcgitest.Stdout("A: b\r\n"), stage: StageHead, err: ErrConnectionClosed},
		{name: "empty head", output: fcgitest.Whole("", "x"), stage: StageHead, err: ErrBadHeader},
		{name: "closes in body", output: fcgitest.Stdout(head + "abc"), stage: StageBody, body: "abc", err: ErrConnectionClosed},
		{name: "closes in a record", output: slices.Concat(fcgitest.Stdout(head), fcgitest.Stdout("abcdef")[:10]), stage: StageBody, err: ErrConnectionClosed},
		{name: "no END_REQUEST", output: slices.Concat(fcgitest.Stdout(head+"abc"), fcgitest.Stdout("")), stage: StageBody, body: "abc", err: ErrConnectionClosed},
		{name: "wrong id", output: AppendRecord(nil, TypeStdout, 2, []byte(head)), stage: StageHead, err: ErrRequestID},
		{name: "wrong id in body", output: slices.Concat(fcgitest.Stdout(head), AppendRecord(nil, TypeStdout, 2, []byte("x"))), stage: StageBody, err: ErrRequestID},
		{name: "wrong version", output: []byte("\x02\x06\x00\x01\x00\x00\x00\x00"), stage: StageHead, err: ErrVersion},
		{name: "wrong type", output: AppendRecord(nil, TypeStdin, 1, []byte(head)), stage: StageHead, err: ErrRecordType},
		{name: "http", output: []byte("HTTP/1.1 200 OK\r\n\r\n"), stage: StageHead, err: ErrVersion},
		{name: "endless header", output: bytes.Repeat(fcgitest.Stdout("X-A: "+strings.Repeat("b", 1000)+"\r\n"), 100), stage: StageHead, err: ErrHeadTooLarge},
		{name: "endless header line", output: bytes.Repeat(fcgitest.Stdout(strings.Repeat("b", 1000)), 100), stage: StageHead, err: ErrHeadTooLarge},
		{name: "status abc", output: fcgitest.Whole("Status: abc", ""), stage: StageHead, err: ErrBadStatus},
		{name: "status 99", output: fcgitest.Whole("Status: 99", ""), stage: StageHead, err: ErrBadStatus},
		{name: "status 100", output: fcgitest.Whole("Status: 100 Continue", ""), stage: StageHead, err: ErrBadStatus},
		{name: "status 1000", output: fcgitest.Whole("Status: 1000", ""), stage: StageHead, err: ErrBadStatus},
		{name: "status +20", output: fcgitest.Whole("Status: +20", ""), stage: StageHead, err: ErrBadStatus},
		{name: "status empty", output: fcgitest.Whole("Status:", ""), stage: StageHead, err: ErrBadStatus},
		{name: "status twice", output: fcgitest.Whole("Status: 200\r\nStatus: 200", ""), stage: StageHead, err: ErrBadStatus},
		{name: "no colon", output: fcgitest.Whole("HTTP/1.1 200 OK", ""), stage: StageHead, err: ErrBadHeader},
		{name: "space in name", output: fcgitest.Whole("A : b", ""), stage: StageHead, err: ErrBadHeader},
		{name: "continuation line", output: fcgitest.Whole("A: b\r\n c", ""), stage: StageHead, err: ErrBadHeader},
		{name: "carriage return in value", output: fcgitest.Whole("A: b\rSet-Cookie: c", ""), stage: StageHead, err: ErrBadHeader},
		{name: "NUL in value", output: fcgitest.Whole("A: b\x00", ""), stage: StageHead, err: ErrBadHeader},
		{name: "conflicting lengths", output: fcgitest.Whole("Content-Length: 3\r\nContent-Length: 4", "abc"), stage: StageHead, err: ErrContentLength},
		{name: "negative length", output: fcgitest.Whole("Content-Length: -3", "abc"), stage: StageHead, err: ErrContentLength},
		{name: "length of letters", output: fcgitest.Whole("Content-Length: 1e3", "abc"), stage: StageHead, err: ErrContentLength},
		{name: "huge length", output: fcgitest.Whole("Content-Length: 18446744073709551616", "abc"), stage: StageHead, err: ErrContentLength},
		{name: "body too long", output: fcgitest.Whole("Content-Length: 3", "abcd"), stage: StageBody, body: "abc", err: ErrBodyLong},
		{name: "body too short", output: fcgitest.Whole("Content-Length: 3", "ab"), stage: StageBody, body: "ab", err: ErrBodyShort},
		{name: "chunks cut", output: fcgitest.Whole("Transfer-Encoding: chunked", "3\r\nabc\r\n"), stage: StageBody, body: "abc", err: ErrBodyShort},
		{name: "unknown coding", output: fcgitest.Whole("Transfer-Encoding: gzip, chunked", ""), stage: StageHead, err: ErrBadHeader},
		{name: "overloaded", output: AppendEndRequest(nil, 1, 0, StatusOverloaded), stage: StageHead, err: ErrOverloaded},
		{name: "cannot multiplex", output: AppendEndRequest(nil, 1, 0, StatusCantMultiplex), stage: StageHead, err: ErrCantMultiplex},
		{name: "unknown role", output: AppendEndRequest(nil, 1, 0, StatusUnknownRole), stage: StageHead, err: ErrUnknownRole},
		{name: "unknown protocol status", output: AppendEndRequest(nil, 1, 0, 9), stage: StageHead, err: ErrProtocolStatus},
		{name: "overloaded in body", output: slices.Concat(fcgitest.Stdout(head+"a"), AppendEndRequest(nil, 1, 0, StatusOverloaded)), stage: StageBody, body: "a", err: ErrOverloaded},
		{name: "short END_REQUEST", output: slices.Concat(fcgitest.Stdout(head), AppendRecord(nil, TypeEndRequest, 1, []byte("abc"))), stage: StageBody, err: ErrRecordContent},
		{name: "output after the end of output", output: slices.Concat(fcgitest.Stdout(head), fcgitest.Stdout(""), fcgitest.Stdout("x"), fcgitest.End()), stage: StageBody, err: ErrStdoutClosed},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			client := &Client{Network: "unix", Address: fcgitest.Responder(t, fcgitest.After(test.output))}
			method := test.method
			if method == "" {
				method = "GET"
			}
			resp, body, err := fetch(fcgitest.Context(t), client, &Request{Params: Params{{"REQUEST_METHOD", method}}})
			var failed *Error
			if errors.As(err, &failed) != (test.err != nil) || !errors.Is(err, test.err) {
				t.Fatalf("got error %v, want %v", err, test.err)
			}
			if failed != nil && failed.Stage != test.stage {
				t.Errorf("got stage %v, want %v", failed.Stage, test.stage)
			}
			if body != test.body {
				t.Errorf("got body %.80q, want %.80q", body, test.body)
			}
			if test.err == nil && resp.Status != test.status {
				t.Errorf("got status %d, want %d", resp.Status, test.status)
			}
			if NothingSent(err) {
				t.Error("NothingSent, though something was")
			}
		})
	}
}

// A chunk must be readable when its record has come, not when the next has.
func TestClientStreams(t *testing.T) {
	next := make(chan struct{})
	client := &Client{Network: "unix", Address: fcgitest.Responder(t, func(conn net.Conn) {
		if _, err := fcgitest.ReadRequest(conn); err != nil {
			return
		}
		for _, part := range []string{"A: b\r\n\r\n", "one", "two"} {
			_, _ = conn.Write(fcgitest.Stdout(part))
			<-next
		}
		_, _ = conn.Write(fcgitest.End())
	})}
	resp, err := client.Do(fcgitest.Context(t), get())
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	buf := make([]byte, 100)
	for _, want := range []string{"one", "two"} {
		fcgitest.Send(t, "the next chunk", next, struct{}{})
		if n, err := resp.Body.Read(buf); string(buf[:n]) != want || err != nil {
			t.Errorf("got %q, %v", buf[:n], err)
		}
	}
	fcgitest.Send(t, "the next chunk", next, struct{}{})
	if _, err := resp.Body.Read(buf); !errors.Is(err, io.EOF) {
		t.Errorf("got %v", err)
	}
}

func TestClientStderr(t *testing.T) {
	flood := strings.Repeat("f", 100000) + "\n"
	var lines []string
	client := &Client{Network: "unix", MaxStderr: 10000, Stderr: func(line string) { lines = append(lines, line) },
		Address: fcgitest.Responder(t, fcgitest.After(slices.Concat(fcgitest.Stderr("one\r\n\ntw"), fcgitest.Stdout("A: b\r\n\r\n"), fcgitest.Stderr("o\nb\xffd\n"), fcgitest.Stderr(flood), fcgitest.Stderr("lost"), fcgitest.End())))}
	if _, _, err := fetch(fcgitest.Context(t), client, get()); err != nil {
		t.Fatal(err)
	}
	const seen = len("one\r\n\ntwo\nb?d\n")
	want := []string{"one", "two", "b\uFFFDd", strings.Repeat("f", MaxStderrLine), strings.Repeat("f", MaxStderrLine),
		strings.Repeat("f", 10000-seen-2*MaxStderrLine), fmt.Sprintf("(%d more bytes were dropped)", len(flood)+4-(10000-seen))}
	if !reflect.DeepEqual(lines, want) {
		t.Errorf("got %.300q", lines)
	}
}
