package load

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
)

const wholeResponse = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

func TestHTTPResponses(t *testing.T) {
	tests := []struct {
		name, response string
		want           string // "" is a right answer of two bytes
	}{
		{"plain", wholeResponse, ""},
		{"chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\no\r\n1\r\nk\r\n0\r\n\r\n", ""},
		{"to the end of the connection", "HTTP/1.0 200 OK\r\n\r\nok", ""},
		{"interim answers before", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + wholeResponse, ""},
		{"nothing", "", "connection was closed before an answer"},
		{"head cut", "HTTP/1.1 200 OK\r\nA: b\r\n", "connection was closed within the head of the answer"},
		{"body cut", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nok", "body is shorter than announced"},
		{"chunks cut", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n", "body is shorter than announced"},
		{"body long", wholeResponse + "!", "more bytes than the answer has were sent"},
		{"not HTTP", "SSH-2.0-x\r\n", `malformed HTTP response "SSH-2.0-x"`},
		{"status refused", "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", "status 503"},
		{"switching", "HTTP/1.1 101 Switching Protocols\r\n\r\n", "status 101"},
		{"endless head", "HTTP/1.1 200 OK\r\nA: " + strings.Repeat("a", 2*maxHead), "head of the answer is too large"},
		{"endless interim answers", strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", maxHead/20), "head of the answer is too large"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			address := serveRaw(t, "tcp", func(conn net.Conn) {
				if readHTTP(conn) {
					_, _ = io.WriteString(conn, tt.response) // the client may have seen enough
				}
			})
			result := load(t, HTTP("tcp", address), basic("/"))
			if tt.want == "" && (result.OK != 1 || result.Bytes != 2) {
				t.Errorf("%d right answers, %d bytes, %v", result.OK, result.Bytes, result.Failures)
			}
			if want := "GET /: " + tt.want; tt.want != "" && (result.Errors != 1 || result.Failures[0].Text != want) {
				t.Errorf("got %v, want %q", result.Failures, want)
			}
		})
	}
}

// A server may end a kept connection at any time: it says so in the last response, or not.
func TestHTTPConnectionsThatEnd(t *testing.T) {
	for name, last := range map[string]string{
		"silently":  wholeResponse,
		"announced": strings.Replace(wholeResponse, "\r\n", "\r\nConnection: close\r\n", 1),
		"HTTP/1.0":  strings.Replace(wholeResponse, "1.1", "1.0", 1),
	} {
		for _, network := range []string{"tcp", "unix"} {
			t.Run(name+" over "+network, func(t *testing.T) {
				address := serveRaw(t, network, func(conn net.Conn) {
					for range 4 {
						if !readHTTP(conn) {
							return
						}
						_, _ = io.WriteString(conn, wholeResponse)
					}
					if readHTTP(conn) {
						_, _ = io.WriteString(conn, last)
					}
				})
				plan := basic("/")
				plan.Requests = 53
				result := load(t, HTTP(network, address), plan)
				if result.Errors != 0 || result.Connects != 11 {
					t.Errorf("%d errors over %d connections: %v", result.Errors, result.Connects, result.Failures)
				}
				if want := map[bool]int{true: 10, false: 0}[last == wholeResponse]; result.Retried != want {
					t.Errorf("%d requests were sent again, want %d", result.Retried, want)
				}
			})
		}
	}
}

// A request without a response on a new connection is an error, and so is one whose response has begun.
func TestHTTPIsNotSentAgain(t *testing.T) {
	var requests atomic.Int64
	address := serveRaw(t, "tcp", func(conn net.Conn) {
		for i := 0; readHTTP(conn); i++ {
			requests.Add(1)
			if i == 1 {
				_, _ = io.WriteString(conn, wholeResponse[:20])
				return
			}
			_, _ = io.WriteString(conn, wholeResponse)
		}
	})
	plan := basic("/")
	plan.Requests = 10
	result := load(t, HTTP("tcp", address), plan)
	if requests.Load() != 10 || result.OK != 5 || result.Errors != 5 || result.Retried != 0 {
		t.Errorf("%d requests; %+v", requests.Load(), result)
	}

	requests.Store(0)
	address = serveRaw(t, "tcp", func(conn net.Conn) {
		if readHTTP(conn) {
			requests.Add(1)
		}
	})
	result = load(t, HTTP("tcp", address), plan)
	if requests.Load() != 10 || result.Errors != 10 || result.Retried != 0 {
		t.Errorf("%d requests; %+v", requests.Load(), result)
	}
}

func TestHTTPServerDies(t *testing.T) {
	for _, network := range []string{"tcp", "unix"} {
		var count atomic.Int64
		var server *http.Server
		target, server := serveHTTP(t, network, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			if count.Add(1) == 11 {
				_ = server.Close()
				<-r.Context().Done()
			}
		}))
		plan := basic("/")
		plan.Requests = 30
		result := load(t, target, plan)
		want := "GET /: connect: connection refused"
		if network == "unix" {
			want = "GET /: connect: no such file or directory"
		}
		if result.OK != 10 || len(result.Failures) != 1 || result.Failures[0] != (Failure{want, 20}) {
			t.Errorf("%d right answers, then %v", result.OK, result.Failures)
		}
	}
}

func TestHTTPRequest(t *testing.T) {
	requests := make(chan string, 1)
	address := serveRaw(t, "tcp", func(conn net.Conn) {
		buf := make([]byte, 4096)
		n, _ := conn.Read(buf)
		requests <- string(buf[:n])
		_, _ = io.WriteString(conn, wholeResponse)
	})
	plan := basic("/a%20b?x=1&y=/")
	plan.Host = ""
	plan.Header = http.Header{"Cookie": {"a=b"}, "User-Agent": {"mine"}}
	load(t, HTTP("tcp", address), plan)
	lines := strings.Split(<-requests, "\r\n")
	slices.Sort(lines[1:])
	want := []string{"GET /a%20b?x=1&y=/ HTTP/1.1", "", "", "Cookie: a=b", "Host: localhost", "User-Agent: mine"}
	if fmt.Sprint(lines) != fmt.Sprint(want) {
		t.Errorf("got  %q\nwant %q", lines, want)
	}
}
