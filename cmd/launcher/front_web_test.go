//go:build linux

package main

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"launcher/preforker/control"
)

// writeCertificate writes a certificate for localhost with its key into one file, and returns who trusts it.
func writeCertificate(t *testing.T, path string) *x509.CertPool {
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
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert})
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(text)
	text = append(text, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})...)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return pool
}

func secureClient(pool *x509.CertPool) *http.Client {
	return &http.Client{Timeout: patience, Transport: &http.Transport{ForceAttemptHTTP2: true, DisableKeepAlives: true,
		TLSClientConfig: &tls.Config{RootCAs: pool, ServerName: "localhost"}}}
}

// TestFrontAtSeveralAddresses: plain, with TLS and HTTP/2, and at a unix socket the same application is served, with
// one access log; HUP reads the certificate again and opens the log anew.
func TestFrontAtSeveralAddresses(t *testing.T) {
	t.Parallel()
	root, dir := copyApp(t, "hello"), t.TempDir()
	cert, log, socket := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "access.log"), filepath.Join(root, "http")
	pool := writeCertificate(t, cert)
	in := start(t, startOptions{root: root, args: []string{"2", "--http", "http://127.0.0.1:0,https://127.0.0.1:0", "--http", "unix:" + socket,
		"--tls-cert", cert, "--access-log", log, "--socket-mode", "0600"}})
	plain := in.waitLine(`workers? (?:is|are) ready: (http://127\.0\.0\.1:\d+)/$`)[1]
	urls := in.status().Front.URLs
	if len(urls) != 3 || urls[0] != plain || !strings.HasPrefix(urls[1], "https://") || urls[2] != "unix:"+socket {
		t.Fatalf("the addresses are %q", urls)
	}
	if info, err := os.Stat(socket); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the socket: %v, %v", info, err)
	}
	overUnix := &http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", socket)
	}}}
	for _, test := range []struct {
		client *http.Client
		url    string
		want   map[string]any
	}{
		{client(), plain, map[string]any{"HTTPS": nil, "rack.url_scheme": "http", "SERVER_PROTOCOL": "HTTP/1.1", "HTTP_X_FORWARDED_FOR": "1.2.3.4"}},
		{secureClient(pool), urls[1], map[string]any{"HTTPS": "on", "rack.url_scheme": "https", "SERVER_PROTOCOL": "HTTP/2.0", "HTTP_X_FORWARDED_FOR": "1.2.3.4"}},
		{overUnix, "http://shop.example", map[string]any{"HTTPS": nil, "HTTP_HOST": "shop.example", "HTTP_X_FORWARDED_FOR": "1.2.3.4"}},
	} {
		got := fetch(test.client, http.MethodGet, test.url+"/env?at="+test.url, nil, "X-Forwarded-For", "1.2.3.4").expect(t, 200)
		got.is(t, test.want)
		if start, _ := got.json(t)["HTTP_X_REQUEST_START"].(string); !regexp.MustCompile(`^t=\d+\.\d{3}$`).MatchString(start) {
			t.Errorf("X-Request-Start is %q", start)
		}
	}
	line := regexp.MustCompile(`(?m)^1\.2\.3\.4 - - \[.+\] "GET /env\?at=\S+ HTTP/(?:1\.1|2\.0)" 200 \d+ "-" "Go-http-client/\S+" \d+\.\d{3} [01]$`)
	in.waitFor("three lines of the access log", func() bool {
		text, err := os.ReadFile(log)
		return err == nil && len(line.FindAll(text, -1)) == 3
	})
	if err := os.Rename(log, log+".1"); err != nil {
		t.Fatal(err)
	}
	second := writeCertificate(t, cert)
	in.signal(syscall.SIGHUP)
	in.waitFor("the new certificate and the new log", func() bool {
		got := fetch(secureClient(second), http.MethodGet, urls[1]+"/", nil)
		text, err := os.ReadFile(log)
		return got.err == nil && got.StatusCode == 200 && err == nil && len(text) > 0
	})
	in.signal(syscall.SIGTERM)
	in.gone(0)
	if exists(socket) {
		t.Error("the socket is still there")
	}
}

// TestFrontWithWrongCertificate: a mistake in the command line, before anything is started.
func TestFrontWithWrongCertificate(t *testing.T) {
	t.Parallel()
	root := copyApp(t, "hello")
	got := finish(t, root, "2", "--http", "127.0.0.1:0", "--tls-cert", "config.ru")
	if got.status != exitUsage || got.stdout != "" || exists(filepath.Join(root, "log")) {
		t.Errorf("got %+v", got)
	}
	contains(t, "standard error", got.stderr, "--tls-cert", "config.ru", "\nTry: ")
}

// TestFrontSlowReader holds no worker: the only one serves others while the client has read nothing, and the client
// gets all of its response afterwards.
func TestFrontSlowReader(t *testing.T) {
	t.Parallel()
	b := startFront(t, copyApp(t, "hello"), 1)
	const size = 30_000_000 // more than the buffers of the kernel hold
	conn, err := net.Dial("tcp", strings.TrimPrefix(b.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(conn, "GET /big?bytes=30000000 HTTP/1.1\r\nHost: a\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	b.in.statusWhen("the response to be made", func(s control.Status) bool {
		return len(s.Slots[0].Workers) > 0 && s.Slots[0].Workers[0].Served > 0 && s.Slots[0].Workers[0].Request == nil
	})
	b.get(t, "/pid").expect(t, 200)
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.Copy(io.Discard, resp.Body); got != size || err != nil {
		t.Errorf("got %d bytes, %v", got, err)
	}
}

// TestFrontRepeatsGet: another worker answers where the first one is killed, and the client notices nothing.
func TestFrontRepeatsGet(t *testing.T) {
	t.Parallel()
	gate, variable := gates(t)
	in := start(t, startOptions{root: copyApp(t, "hello"), env: []string{variable}, args: []string{"2", "--http", "127.0.0.1:0"}})
	url := in.waitLine(`workers? (?:is|are) ready: (http://\S+)/$`)[1]
	got := later(http.MethodGet, url+"/hang?gate=go", nil)
	in.doing(0, "GET /hang")
	if err := syscall.Kill(in.worker(0), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	in.waitLine("worker died before its response, and the request is given to another")
	openGate(t, gate, "go")
	if got := (<-got).expect(t, 200); got.body != "released\n" {
		t.Errorf("got %q", got.body)
	}
}

// TestFrontQueueTimeout bounds how long a request waits for a worker.
func TestFrontQueueTimeout(t *testing.T) {
	t.Parallel()
	gate, variable := gates(t)
	in := start(t, startOptions{root: copyApp(t, "hello"), env: []string{variable}, args: []string{"1", "--http", "127.0.0.1:0", "--queue-timeout", "50ms"}})
	url := in.waitLine(`workers? (?:is|are) ready: (http://\S+)/$`)[1]
	first := later(http.MethodGet, url+"/hang?gate=go", nil)
	in.doing(0, "GET /hang")
	if got := fetch(client(), http.MethodGet, url+"/", nil).expect(t, 503); got.Header.Get("Retry-After") == "" {
		t.Errorf("got %v", got.Header)
	}
	openGate(t, gate, "go")
	(<-first).expect(t, 200)
}
