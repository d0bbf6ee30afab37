package front

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"launcher/fcgi/fcgitest"
)

// hasty accepts connections for which time goes faster.
type hasty struct{ net.Listener }

type hastyConn struct{ net.Conn }

func (h hasty) Accept() (net.Conn, error) {
	conn, err := h.Listener.Accept()
	return hastyConn{conn}, err
}

func (c hastyConn) SetReadDeadline(t time.Time) error {
	if time.Until(t) > 0 {
		t = time.Now().Add(20 * time.Millisecond)
	}
	return c.Conn.SetReadDeadline(t)
}

// A connection that ends before its request is one: who asks for nothing is not counted.
func TestHalfRequestsAreCounted(t *testing.T) {
	const line, half = "GET / HT", "GET / HTTP/1.1\r\nHos"
	kept := "GET / HTTP/1.1\r\nHost: h\r\n\r\n"
	for _, test := range []struct {
		name, input string
		leaves      bool
		want        []string
	}{
		{"its client leaves", half, true, []string{"client left 1"}},
		{"its client leaves a kept connection", kept + half, true, []string{"client left 1"}},
		{"its client leaves early", line, true, []string{"client left 1"}},
		{"it takes too long", half, false, []string{"400 head timeout 1"}},
		{"it takes too long between two lines", "GET / HTTP/1.1\r\nHost: h\r\n", false, []string{"head timeout 1"}},
		{"nothing comes", "", false, nil},
		{"nothing follows", kept, false, nil},
		{"nothing was to come", "", true, nil},
		{"nothing was to follow", kept, true, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			listener := listenTCP(t)
			if !test.leaves {
				listener = hasty{listener}
			}
			l := NewListener(listener, 10, quiet)
			conn := rawTo(t, serveAt(t, l, http.HandlerFunc(sayOK)), test.input)
			if strings.HasPrefix(test.input, kept) {
				answerOn(t, conn)
			}
			if test.leaves {
				_ = conn.(*net.TCPConn).CloseWrite()
			}
			_, _ = io.ReadAll(conn)
			fcgitest.Eventually(t, "the end of the connection", func() bool { open, _ := l.Connections(); return open == 0 && l.Counters().Counts().Accepted == 1 })
			expectCounts(t, l, test.want...)
		})
	}
}

// A connection that makes room for another is counted where a request was begun on it.
func TestConnectionsThatMakeRoomAreCounted(t *testing.T) {
	l := NewListener(listenTCP(t), 1, quiet)
	l.headGrace, l.bodyGrace, l.freshGrace = 0, 0, 0
	_, url := serveCounted(t, l, Config{Public: publicFolder(t)})
	whole := strings.Replace(simple, "/", "/hello.txt", 1)
	first := rawTo(t, url, whole)
	_, _ = first.Read(make([]byte, 1))
	fcgitest.Eventually(t, "it to be idle", func() bool { return l.count(&l.idle) == 1 })
	head := rawTo(t, url, "GET ")
	fcgitest.Eventually(t, "a half head", func() bool { return l.count(&l.head) == 1 })
	expectCounts(t, l)
	body := rawTo(t, url, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nhalf")
	fcgitest.Eventually(t, "a half body", func() bool { return l.count(&l.body) == 1 })
	expectCounts(t, l, "made room 1")
	last := rawTo(t, url, whole)
	_, _ = last.Read(make([]byte, 1))
	for _, conn := range []net.Conn{head, body} {
		_, _ = io.ReadAll(conn)
	}
	expectCounts(t, l, "made room 2")
	if got := l.Counters().Counts(); got.Accepted != 4 || got.Evicted != 3 {
		t.Errorf("%d connections, %d made room", got.Accepted, got.Evicted)
	}
}

// A head that comes by halves when the server ends.
func TestHalfRequestsAtTheEndAreCounted(t *testing.T) {
	l := NewListener(listenTCP(t), 10, quiet)
	ctx, end := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- Serve(ctx, ctx, l, http.HandlerFunc(sayOK), quiet) }()
	rawTo(t, l.Addr().String(), "GET / HTTP")
	fcgitest.Eventually(t, "a half head", func() bool { return l.count(&l.head) == 1 })
	end()
	expectCounts(t, l, "stopping 1")
	<-served
}

// With TLS what net/http answers is not seen, but that it does.
func TestSecureRefusalsAreCounted(t *testing.T) {
	certFile, keyFile, pool := writeCertificate(t, t.TempDir())
	for _, test := range []struct {
		name, input string
		http2       bool
		want        []string
	}{
		{"nothing", "", false, nil},
		{"a request", simple, false, nil},
		{"for the server", "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", false, nil},
		{"no HTTP", "bad\r\n\r\n", false, []string{"400 malformed 1"}},
		{"behind a request", simple + "bad\r\n\r\n", false, []string{"400 malformed 1"}},
		{"half a head", "GET / HT", false, []string{"400 malformed 1"}},
		{"a long head", simple[:16] + "A: " + strings.Repeat("x", maxHeaderBytes+8<<10) + "\r\n\r\n", false, []string{"431 head too large 1"}},
		{"no HTTP/2", "bad\r\n\r\n" + strings.Repeat("x", 100), true, nil},
		{"data for nobody", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + "\x00\x00\x00\x04\x00\x00\x00\x00\x00" + "\x00\x00\x01\x00\x00\x00\x00\x00\x00x", true, []string{"HTTP/2 error 1"}},
	} {
		for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			t.Run(fmt.Sprintf("%s, %s", test.name, tls.VersionName(version)), func(t *testing.T) {
				t.Parallel()
				l := NewListener(WithTLS(listenTCP(t), loadCertificate(t, certFile, keyFile)), 10, quiet)
				config := &tls.Config{RootCAs: pool, ServerName: "localhost", MinVersion: version, MaxVersion: version}
				if test.http2 {
					config.NextProtos = []string{"h2"}
				}
				conn := tls.Client(rawTo(t, serveAt(t, l, http.HandlerFunc(sayOK)), ""), config)
				if err := conn.HandshakeContext(t.Context()); err != nil {
					t.Fatal(err)
				}
				_, _ = io.WriteString(conn, test.input)
				if len(test.want) == 0 || test.name == "half a head" {
					if strings.HasSuffix(test.input, simple) {
						_, _ = conn.Read(make([]byte, 1))
					}
					_ = conn.CloseWrite()
				}
				_, _ = io.ReadAll(conn)
				_ = conn.Close()
				fcgitest.Eventually(t, "the end of the connection", func() bool { open, _ := l.Connections(); return open == 0 })
				expectCounts(t, l, test.want...)
			})
		}
	}
}

// A handshake that fails is counted, and a connection on which none has begun is not.
func TestHandshakesAreCounted(t *testing.T) {
	certFile, keyFile, pool := writeCertificate(t, t.TempDir())
	l := NewListener(WithTLS(listenTCP(t), loadCertificate(t, certFile, keyFile)), 10, quiet)
	url := serveAt(t, l, http.HandlerFunc(sayOK))
	_ = rawTo(t, url, "").Close()
	resp, _ := fetchSecure(t, secureClient(t, pool, true), newRequest(t, "GET", strings.Replace(url, "http:", "https:", 1), nil))
	if resp.StatusCode != 200 {
		t.Errorf("got %s", resp.Status)
	}
	expectCounts(t, l)
	stranger := tls.Client(rawTo(t, url, ""), &tls.Config{ServerName: "localhost"})
	if err := stranger.HandshakeContext(t.Context()); err == nil {
		t.Error("the certificate is trusted")
	}
	_ = stranger.Close()
	expectCounts(t, l, "handshakes 1")
	_ = rawTo(t, url, "\x16\x03\x01\x00").Close()
	expectCounts(t, l, "handshakes 2")
	answer, _ := io.ReadAll(rawTo(t, url, simple))
	if !strings.HasPrefix(string(answer), "HTTP/1.0 400") {
		t.Errorf("got %q", answer)
	}
	expectCounts(t, l, "400 malformed 1", "handshakes 2")
}
