package front

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"launcher/fcgi/fcgitest"
)

// echoing plays an application that tells what it was asked.
func echoing(t *testing.T) string {
	return fcgitest.Responder(t, func(conn net.Conn) {
		req, err := fcgitest.ReadRequest(conn)
		if err != nil {
			return
		}
		param := func(name string) string {
			value, ok := req.Params.Get(name)
			if !ok {
				return "-"
			}
			return value
		}
		body := fmt.Sprintf("%s %s %s %s te=%s length=%s body=%s", param("REQUEST_METHOD"), param("REQUEST_URI"), param("HTTP_HOST"),
			param("SERVER_PROTOCOL"), param("HTTP_TRANSFER_ENCODING"), param("CONTENT_LENGTH"), req.Body)
		_, _ = conn.Write(fcgitest.Whole(fmt.Sprintf("Content-Type: text/plain\r\nContent-Length: %d", len(body)), body))
	})
}

// Inputs at the edge of HTTP: what the application sees, and whether the connection goes on.
func TestHandlerWire(t *testing.T) {
	url, _, _, _ := startServe(t, New(Config{Sockets: []string{echoing(t)}}))
	const chunked = "Transfer-Encoding: chunked\r\n"
	tests := []struct {
		name, input string
		status      int
		want        string // of the body
		closed      bool
	}{
		{"plain", "GET /a?b HTTP/1.1\r\nHost: h\r\n\r\n", 200, "GET /a?b h HTTP/1.1 te=- length=- body=", false},
		{"length and chunked", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n" + chunked + "\r\n3\r\nabc\r\n0\r\n\r\n", 200,
			"POST / h HTTP/1.1 te=- length=3 body=abc", true},
		{"chunked and length", "POST / HTTP/1.1\r\nHost: h\r\n" + chunked + "Content-Length: 99\r\n\r\n3\r\nabc\r\n0\r\n\r\n", 200,
			"POST / h HTTP/1.1 te=- length=3 body=abc", true},
		{"chunked with a trailer", "POST / HTTP/1.1\r\nHost: h\r\nTrailer: X-A\r\n" + chunked + "\r\n3\r\nabc\r\n0\r\nX-A: 1\r\nHost: evil\r\n\r\n", 200,
			"POST / h HTTP/1.1 te=- length=3 body=abc", true},
		{"unknown coding", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501, "", true},
		{"bad chunk", "POST / HTTP/1.1\r\nHost: h\r\n" + chunked + "\r\nzz\r\nabc\r\n0\r\n\r\n", 400, "", true},
		{"two lengths", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", 400, "", true},
		{"the same length twice", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc", 200,
			"POST / h HTTP/1.1 te=- length=3 body=abc", false},
		{"signed length", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: +3\r\n\r\nabc", 400, "", true},
		{"two hosts", "GET / HTTP/1.1\r\nHost: h\r\nHost: i\r\n\r\n", 400, "", true},
		{"no host", "GET / HTTP/1.1\r\n\r\n", 400, "", true},
		{"bad host", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400, "", true},
		{"space before the colon", "GET / HTTP/1.1\r\nHost: h\r\nX-A : 1\r\n\r\n", 400, "", true},
		{"continued line", "GET / HTTP/1.1\r\nHost: h\r\n X-A: 1\r\n\r\n", 400, "", true},
		{"absolute form", "GET http://other:81/a?b HTTP/1.1\r\nHost: h\r\n\r\n", 200, "GET /a?b other:81 HTTP/1.1 te=- length=- body=", false},
		{"absolute form with a bad host", "GET http://a%22b/ HTTP/1.1\r\nHost: h\r\n\r\n", 400, "", true},
		{"OPTIONS *", "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", 200, "", false},
		{"GET *", "GET * HTTP/1.1\r\nHost: h\r\n\r\n", 400, "", false},
		{"OPTIONS of a path", "OPTIONS /a HTTP/1.1\r\nHost: h\r\n\r\n", 200, "OPTIONS /a h HTTP/1.1 te=- length=- body=", false},
		{"CONNECT", "CONNECT h:80 HTTP/1.1\r\nHost: h:80\r\n\r\n", 501, "This is not a proxy.\n", false},
		{"other upgrade", "GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: foo\r\n\r\n", 200, "GET / h HTTP/1.1 te=- length=- body=", false},
		{"unknown expectation", "GET / HTTP/1.1\r\nHost: h\r\nExpect: tea\r\n\r\n", 417, "", true},
		{"GET with a body", "GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc", 200, "GET / h HTTP/1.1 te=- length=3 body=abc", false},
		{"header flood", "GET / HTTP/1.1\r\nHost: h\r\n" + strings.Repeat("X-A: "+strings.Repeat("x", 1000)+"\r\n", 100) + "\r\n", 431, "", true},
		{"HTTP/1.0", "GET / HTTP/1.0\r\nHost: h\r\n\r\n", 200, "GET / h HTTP/1.0 te=- length=- body=", true},
		{"HTTP/1.0 kept", "GET / HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\r\n\r\n", 200, "GET / h HTTP/1.0 te=- length=- body=", false},
		{"HTTP/1.0 kept, chunked", "POST / HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\r\n" + chunked + "Content-Length: 3\r\n\r\nabc", 200,
			"POST / h HTTP/1.0 te=- length=3 body=abc", true},
		{"HTTP/1.0 kept, chunked without a length", "POST / HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\r\n" + chunked + "\r\n0\r\n\r\n", 200,
			"POST / h HTTP/1.0 te=- length=- body=", true},
		{"HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, "", true},
		{"nonsense", "\x16\x03\x01\x02\r\n\r\n", 400, "", true},
	}
	const again = "GET /again HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			conn := rawTo(t, url, test.input+again) // pipelined: the second is never part of the first
			input := bufio.NewReader(conn)
			resp, err := http.ReadResponse(input, nil)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(resp.Body)
			if err != nil || resp.StatusCode != test.status || test.status == 200 && string(body) != test.want {
				t.Errorf("got %s %q, %v", resp.Status, body, err)
			}
			rest, _ := io.ReadAll(input) // a reset ends it as well
			if answered := strings.Contains(string(rest), "GET /again h"); answered == test.closed {
				t.Errorf("the connection went on: %v; %q", answered, rest)
			}
		})
	}
}

// The log holds the beginning of what a client chose, never all of it.
func TestHandlerCutsWhatItLogs(t *testing.T) {
	log := &fcgitest.Log{}
	_, server := serveFront(t, Config{Sockets: []string{fcgitest.Responder(t, fcgitest.After(fcgitest.Stdout("bad")))}, Log: log.Logger()})
	conn := raw(t, server, "GET /"+strings.Repeat("x", 60_000)+" HTTP/1.1\r\nHost: h\r\n\r\n")
	if resp, err := http.ReadResponse(bufio.NewReader(conn), nil); err != nil || resp.StatusCode != 431 {
		t.Fatalf("got %v, %v", resp, err)
	}
	if text := log.String(); !strings.Contains(text, "/xxx") || !strings.Contains(text, "(60001 bytes)") || len(text) > 1000 {
		t.Errorf("logged %d bytes", len(text))
	}
}

// In HTTP/1.0 a response without a length ends with its connection, so one that is cut must not end so.
func TestHandlerResetsWhatIsCut(t *testing.T) {
	url, _, _, _ := startServe(t, New(Config{Sockets: []string{fcgitest.Responder(t, fcgitest.After(fcgitest.Stdout("A: b\r\n\r\nhalf")))}}))
	if text, err := io.ReadAll(rawTo(t, url, "GET / HTTP/1.0\r\n\r\n")); err == nil {
		t.Errorf("a cut response looks whole: %q", text)
	}
}
