package front

import (
	"context"
	"errors"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"launcher/fcgi/fcgitest"
)

// Several addresses are served alike, one of them a unix socket and one with TLS, within one bound on connections.
func TestServeAtSeveralAddresses(t *testing.T) {
	certFile, keyFile, pool := writeCertificate(t, t.TempDir())
	path := filepath.Join(fcgitest.TempDir(t), "http")
	plain, secured := listenTCP(t), listenTCP(t)
	l := NewListener(Join(plain, WithTLS(secured, loadCertificate(t, certFile, keyFile)), fcgitest.Listen(t, path)), 2, quiet)
	serveAt(t, l, New(Config{Public: publicFolder(t), Sockets: []string{echoing(t)}}))
	overUnix := &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", path)
	}}
	for range 10 { // with more kept connections than there are places
		for _, test := range []struct {
			client *http.Client
			url    string
		}{
			{&http.Client{Transport: &http.Transport{}}, "http://" + plain.Addr().String()},
			{secureClient(t, pool, true), "https://" + secured.Addr().String()},
			{&http.Client{Transport: overUnix}, "http://unix"},
		} {
			if _, body := fetchSecure(t, test.client, newRequest(t, "GET", test.url+"/hello.txt", nil)); body != "hello" {
				t.Errorf("%s: got %q", test.url, body)
			}
			if _, body := fetchSecure(t, test.client, newRequest(t, "GET", test.url+"/x", nil)); !strings.HasPrefix(body, "GET /x ") {
				t.Errorf("%s: got %q", test.url, body)
			}
			test.client.CloseIdleConnections()
		}
	}
	if l.Addr().String() != plain.Addr().String() {
		t.Errorf("the address is %s", l.Addr())
	}
}

// The end of all of them ends each, and what it had accepted for nobody.
func TestJoinCloses(t *testing.T) {
	one, other := listenTCP(t), listenTCP(t)
	joined := Join(one, other)
	var waiting []net.Conn
	for _, listener := range []net.Listener{one, other} {
		conn, err := net.Dial("tcp", listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		waiting = append(waiting, conn)
	}
	if err := joined.Close(); err != nil {
		t.Error(err)
	}
	if _, err := joined.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("got %v", err)
	}
	for _, conn := range waiting {
		if !ended(conn) {
			t.Error("a connection stays")
		}
	}
	if err := joined.Close(); err != nil {
		t.Errorf("again: %v", err)
	}
	if Join(one) != one {
		t.Error("one is wrapped")
	}
}

// The trouble of one address is reported, and the others serve on.
func TestJoinReportsErrors(t *testing.T) {
	troubled := &troubledListener{Listener: listenTCP(t), left: 3}
	joined := Join(troubled, listenTCP(t))
	defer joined.Close()
	for range 3 {
		if _, err := joined.Accept(); !errors.Is(err, errTrouble) {
			t.Errorf("got %v", err)
		}
	}
	conn, err := net.Dial("tcp", troubled.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if accepted, err := joined.Accept(); err != nil {
		t.Error(err)
	} else {
		accepted.Close()
	}
}

var errTrouble = errors.New("trouble")

type troubledListener struct {
	net.Listener
	left int
}

func (l *troubledListener) Accept() (net.Conn, error) {
	if l.left > 0 {
		l.left--
		return nil, errTrouble
	}
	return l.Listener.Accept()
}
