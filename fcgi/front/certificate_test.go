package front

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"launcher/fcgi/fcgitest"
)

// writeCertificate writes a certificate for localhost and its key, in files of their own, and returns who trusts it.
func writeCertificate(t *testing.T, dir string) (certFile, keyFile string, pool *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"localhost"}, NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	certText := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert})
	if err := os.WriteFile(certFile, certText, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600); err != nil {
		t.Fatal(err)
	}
	pool = x509.NewCertPool()
	pool.AppendCertsFromPEM(certText)
	return certFile, keyFile, pool
}

func loadCertificate(t *testing.T, certFile, keyFile string) *Certificate {
	t.Helper()
	certificate, err := LoadCertificate(certFile, keyFile, os.ReadFile)
	if err != nil {
		t.Fatal(err)
	}
	return certificate
}

// secureClient speaks HTTP/2, or 1.1 alone.
func secureClient(t *testing.T, pool *x509.CertPool, http2 bool) *http.Client {
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, ServerName: "localhost"}, ForceAttemptHTTP2: http2}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

func fetchSecure(t *testing.T, client *http.Client, req *http.Request) (*http.Response, string) {
	t.Helper()
	resp, err := client.Do(req.WithContext(fcgitest.Context(t)))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body)
}

// The same requests over HTTP/2 and 1.1: the application sees HTTPS, files have no copy of their own rules, bodies of
// both kinds come whole, and a connection goes on after an error.
func TestServeTLS(t *testing.T) {
	certFile, keyFile, pool := writeCertificate(t, t.TempDir())
	l := NewListener(WithTLS(listenTCP(t), loadCertificate(t, certFile, keyFile)), 10, quiet)
	front := New(Config{Public: publicFolder(t), MaxBody: 200_000, Sockets: []string{fcgitest.Responder(t, func(conn net.Conn) {
		req, err := fcgitest.ReadRequest(conn)
		if err != nil {
			return
		}
		https, _ := req.Params.Get("HTTPS")
		port, _ := req.Params.Get("SERVER_PORT")
		protocol, _ := req.Params.Get("SERVER_PROTOCOL")
		_, _ = conn.Write(fcgitest.Whole("X-Seen: "+https+" "+port+" "+protocol, string(req.Body)))
	})}})
	t.Cleanup(front.Close)
	url := strings.Replace(serveAt(t, l, front), "http://", "https://", 1)
	_, port, _ := net.SplitHostPort(l.Addr().String())
	for _, http2 := range []bool{true, false} {
		client, protocol := secureClient(t, pool, http2), map[bool]string{true: "HTTP/2.0", false: "HTTP/1.1"}[http2]
		var dials atomic.Int32
		client.Transport.(*http.Transport).DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
			dials.Add(1)
			return (&net.Dialer{}).DialContext(ctx, network, address)
		}
		large := strings.Repeat("x", 150_000)
		for round := range 3 {
			for _, body := range []io.Reader{nil, strings.NewReader(large), io.MultiReader(strings.NewReader(large))} {
				resp, got := fetchSecure(t, client, newRequest(t, "POST", url+"/echo", body))
				if body == nil && got != "" || body != nil && got != large || resp.Proto != protocol || resp.Header.Get("X-Seen") != "on "+port+" "+protocol {
					t.Errorf("%s: got %d bytes, %s, %v", protocol, len(got), resp.Proto, resp.Header)
				}
			}
			if resp, got := fetchSecure(t, client, newRequest(t, "GET", url+"/hello.txt", nil)); got != "hello" || resp.Header.Get("Etag") == "" {
				t.Errorf("%s: got %q, %v", protocol, got, resp.Header)
			}
			if resp, _ := fetchSecure(t, client, newRequest(t, "POST", url+"/echo", strings.NewReader(large+large))); resp.StatusCode != 413 {
				t.Errorf("%s, round %d: got %s", protocol, round, resp.Status)
			}
		}
		if http2 && dials.Load() != 1 {
			t.Errorf("%d connections of HTTP/2", dials.Load())
		}
	}
}

// A response that was cut looks so in HTTP/2 as well, and the other streams of the connection go on.
func TestServeTLSCuts(t *testing.T) {
	certFile, keyFile, pool := writeCertificate(t, t.TempDir())
	l := NewListener(WithTLS(listenTCP(t), loadCertificate(t, certFile, keyFile)), 10, quiet)
	front := New(Config{Public: publicFolder(t), Sockets: []string{fcgitest.Responder(t, fcgitest.After(fcgitest.Stdout("A: b\r\n\r\nhalf")))}})
	t.Cleanup(front.Close)
	url := strings.Replace(serveAt(t, l, front), "http://", "https://", 1)
	client := secureClient(t, pool, true)
	for range 3 {
		resp, err := client.Do(newRequest(t, "GET", url+"/x", nil).WithContext(fcgitest.Context(t)))
		if err == nil {
			_, err = io.ReadAll(resp.Body)
			resp.Body.Close()
		}
		if err == nil {
			t.Error("a cut response looks whole")
		}
		if _, got := fetchSecure(t, client, newRequest(t, "GET", url+"/hello.txt", nil)); got != "hello" {
			t.Errorf("got %q", got)
		}
	}
	if open, _ := l.Connections(); open != 1 {
		t.Errorf("%d connections", open)
	}
}

// In HTTP/1.0 what may have been a chunked body for somebody in front ends the connection, where it cannot be seen.
func TestServeTLSWithOldProtocol(t *testing.T) {
	certFile, keyFile, pool := writeCertificate(t, t.TempDir())
	url := serveAt(t, NewListener(WithTLS(listenTCP(t), loadCertificate(t, certFile, keyFile)), 10, quiet), New(Config{Public: publicFolder(t)}))
	conn, err := tls.Dial("tcp", strings.TrimPrefix(url, "http://"), &tls.Config{RootCAs: pool, ServerName: "localhost"})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(fcgitest.Patience))
	_, _ = io.WriteString(conn, "GET /hello.txt HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
	if text, err := io.ReadAll(conn); err != nil || !strings.HasSuffix(string(text), "hello") {
		t.Errorf("got %q, %v", text, err)
	}
}

// A plain request to an address that speaks TLS is told so, and scanners do not fill the log.
func TestServeTLSToPlainClient(t *testing.T) {
	certFile, keyFile, _ := writeCertificate(t, t.TempDir())
	log := &fcgitest.Log{}
	url := serveAt(t, NewListener(WithTLS(listenTCP(t), loadCertificate(t, certFile, keyFile)), 10, log.Logger()), http.HandlerFunc(sayOK))
	if resp, err := http.ReadResponse(bufio.NewReader(rawTo(t, url, simple)), nil); err != nil || resp.StatusCode != 400 {
		t.Errorf("got %v, %v", resp, err)
	}
	_, _ = io.ReadAll(rawTo(t, url, "\x16\x03\x01\x00\x05nonsense"))
	if log.String() != "" {
		t.Errorf("logged %s", log)
	}
}

// The files are read again when somebody asks for it, and one that is wrong changes nothing.
func TestCertificateReloads(t *testing.T) {
	dir := t.TempDir()
	certFile, keyFile, first := writeCertificate(t, dir)
	certificate := loadCertificate(t, certFile, keyFile)
	url := strings.Replace(serveAt(t, NewListener(WithTLS(listenTCP(t), certificate), 10, quiet), http.HandlerFunc(sayOK)), "http://", "https://", 1)
	fetchSecure(t, secureClient(t, first, true), newRequest(t, "GET", url, nil))
	if err := os.WriteFile(keyFile, []byte("nonsense"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := certificate.Reload(); err == nil || !strings.Contains(err.Error(), keyFile) {
		t.Errorf("got %v", err)
	}
	fetchSecure(t, secureClient(t, first, true), newRequest(t, "GET", url, nil))
	_, _, second := writeCertificate(t, dir)
	if err := certificate.Reload(); err != nil {
		t.Fatal(err)
	}
	fetchSecure(t, secureClient(t, second, true), newRequest(t, "GET", url, nil))
	if _, err := secureClient(t, first, true).Do(newRequest(t, "GET", url, nil)); err == nil {
		t.Error("the old certificate is still there")
	}
	if left := time.Until(certificate.Expires()); left < 0 || left > time.Hour {
		t.Errorf("it expires in %v", left)
	}
}

// Certificate and key of different pairs, and what is none, are errors that name the files.
func TestCertificateErrors(t *testing.T) {
	one, other := t.TempDir(), t.TempDir()
	certFile, keyFile, _ := writeCertificate(t, one)
	_, otherKey, _ := writeCertificate(t, other)
	for _, files := range [][2]string{{certFile, otherKey}, {keyFile, certFile}, {certFile, certFile}, {"/nowhere", keyFile}, {certFile, "/nowhere"}} {
		if _, err := LoadCertificate(files[0], files[1], os.ReadFile); err == nil || !strings.Contains(err.Error(), files[1]) {
			t.Errorf("%q: got %v", files, err)
		}
	}
	both := filepath.Join(one, "both.pem")
	if err := os.WriteFile(both, []byte(readFile(t, certFile)+readFile(t, keyFile)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadCertificate(both, both, os.ReadFile); err != nil {
		t.Error(err)
	}
}

// A connection of HTTP/2 makes room for another once it is idle, and neither while one of its requests waits nor
// before its last response has left.
func TestListenerClosesIdleSecureConnections(t *testing.T) {
	t.Parallel()
	certFile, keyFile, pool := writeCertificate(t, t.TempDir())
	l := NewListener(WithTLS(listenTCP(t), loadCertificate(t, certFile, keyFile)), 1, quiet)
	started, finish := make(chan struct{}, 10), make(chan struct{})
	url := strings.Replace(serveAt(t, l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		started <- struct{}{}
		if r.URL.Path == "/wait" {
			<-finish
		}
		sayOK(w, r)
	})), "http://", "https://", 1)
	first := make(chan string, 1)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), fcgitest.Patience)
		defer cancel()
		resp, err := secureClient(t, pool, true).Do(newRequest(t, "GET", url+"/wait", nil).WithContext(ctx))
		if err != nil {
			first <- err.Error()
			return
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		first <- string(body)
	}()
	fcgitest.Await(t, "the first request", started)
	second := make(chan error, 1)
	go func() {
		resp, err := secureClient(t, pool, true).Do(newRequest(t, "GET", url, nil))
		if err == nil {
			resp.Body.Close()
			if resp.StatusCode != 200 {
				err = fmt.Errorf("got %s", resp.Status)
			}
		}
		second <- err
	}()
	fcgitest.Eventually(t, "the second connection to wait", l.waits)
	close(finish)
	if got := fcgitest.Await(t, "the first answer", first); got != "ok" {
		t.Errorf("got %q", got)
	}
	if err := fcgitest.Await(t, "the second answer", second); err != nil {
		t.Error(err)
	}
}

// TestStopTakesNoNewStreams: an HTTP/2 connection whose requests overlap for ever makes room for who waits, as one of HTTP/1.1 does after
// its response.
func TestStopTakesNoNewStreams(t *testing.T) {
	certFile, keyFile, pool := writeCertificate(t, t.TempDir())
	listener := listenTCP(t)
	url := "https://" + listener.Addr().String()
	l := NewListener(WithTLS(listener, loadCertificate(t, certFile, keyFile)), 1, quiet)
	started, finish := make(chan struct{}), make(chan struct{})
	ctx, stop := context.WithCancel(fcgitest.Context(t))
	result := make(chan error, 1)
	go func() {
		result <- Serve(ctx, fcgitest.Context(t), l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/long" {
				close(started)
				<-finish
			}
			sayOK(w, nil)
		}), quiet)
	}()
	client, another := secureClient(t, pool, true), secureClient(t, pool, false)
	ask := func(client *http.Client, path string) <-chan error {
		answered := make(chan error, 1)
		go func() {
			resp, err := client.Do(newRequest(t, "GET", url+path, nil))
			if err == nil {
				_ = resp.Body.Close()
			}
			answered <- err
		}()
		return answered
	}
	long := ask(client, "/long")
	fcgitest.Await(t, "the long request", started)
	waits := ask(another, "/")
	fcgitest.Eventually(t, "another to wait for room", func() bool { l.mu.Lock(); defer l.mu.Unlock(); return l.open == 2 })
	stop()
	fcgitest.Eventually(t, "no new request over the connection", func() bool { return <-ask(client, "/") != nil })
	close(finish)
	for name, answered := range map[string]<-chan error{"the long request": long, "who waited": waits} {
		if err := fcgitest.Await(t, name, answered); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := fcgitest.Await(t, "the end", result); err != nil {
		t.Error(err)
	}
}
