package front

import (
	"bufio"
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func readHTTP(t *testing.T, text string) *http.Request {
	t.Helper()
	req, err := http.ReadRequest(bufio.NewReader(strings.NewReader(strings.ReplaceAll(text, "\n", "\r\n"))))
	if err != nil {
		t.Fatal(err)
	}
	req.RemoteAddr = "192.0.2.1:4711"
	return req
}

func TestEnvironment(t *testing.T) {
	front := New(Config{Public: "/app/public", Prefix: "/shop"})
	req := readHTTP(t, `POST /shop/a%20b%2Fc?x=%20y&z HTTP/1.1
Host: example.org:8080
Content-Type: text/plain
Content-Length: 3
Cookie: a=1
Cookie: b=2
X-Forwarded-For: 10.0.0.1
X-Forwarded-For: 10.0.0.2
X_Forwarded_For: 6.6.6.6
Proxy: http://evil/
Connection: close, X-Named
X-Named: 1
Te: trailers
Upgrade: h2c
Keep-Alive: 5
Proxy-Authorization: x
Expect: 100-continue
Accept: */*

abc`)
	path, ok := front.below(req.URL.Path)
	if !ok {
		t.Fatal("not below the prefix")
	}
	params, err := front.appendEnvironment(nil, req, path)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"GATEWAY_INTERFACE": "CGI/1.1", "SERVER_SOFTWARE": "launcher", "SERVER_PROTOCOL": "HTTP/1.1",
		"SERVER_NAME": "example.org", "SERVER_PORT": "8080", "REQUEST_METHOD": "POST", "REQUEST_SCHEME": "http",
		"REQUEST_URI": "/shop/a%20b%2Fc?x=%20y&z", "SCRIPT_NAME": "/shop", "PATH_INFO": "/a b/c", "QUERY_STRING": "x=%20y&z",
		"DOCUMENT_ROOT": "/app/public", "REMOTE_ADDR": "192.0.2.1", "REMOTE_PORT": "4711", "CONTENT_TYPE": "text/plain",
		"HTTP_HOST": "example.org:8080", "HTTP_COOKIE": "a=1; b=2", "HTTP_X_FORWARDED_FOR": "10.0.0.1, 10.0.0.2", "HTTP_ACCEPT": "*/*",
	}
	for _, pair := range params {
		if value, ok := want[pair.Name]; !ok || value != pair.Value {
			t.Errorf("got %s=%q, want %q", pair.Name, pair.Value, value)
		}
		delete(want, pair.Name)
	}
	for name := range want {
		t.Errorf("%s is missing", name)
	}
}

func TestEnvironmentHosts(t *testing.T) {
	tests := []struct {
		host       string
		tls        bool
		name, port string // "" where refused
	}{
		{"a.example", false, "a.example", "80"},
		{"a.example", true, "a.example", "443"},
		{"a.example:", false, "a.example", "80"},
		{"a.example:81", true, "a.example", "81"},
		{"[::1]", false, "[::1]", "80"},
		{"[::1]:82", false, "[::1]", "82"},
		{"", false, "192.0.2.9", "83"},
		{"a:b", false, "", ""},
		{"a:123456", false, "", ""},
		{":80", false, "", ""},
		{"::1", false, "", ""},
		{"a/b", false, "", ""},
	}
	for _, test := range tests {
		req := httptest.NewRequest("GET", "/", nil)
		req.Host = test.host
		local := &net.TCPAddr{IP: net.ParseIP("192.0.2.9"), Port: 83}
		req = req.WithContext(contextWithLocal(req, local))
		if req.TLS = nil; test.tls {
			req.TLS = &tls.ConnectionState{}
		}
		params, err := New(Config{}).appendEnvironment(nil, req, "/")
		if (err != nil) != (test.name == "") {
			t.Errorf("%q: got %v", test.host, err)
		}
		if err != nil {
			continue
		}
		name, _ := params.Get("SERVER_NAME")
		port, _ := params.Get("SERVER_PORT")
		https, _ := params.Get("HTTPS")
		if name != test.name || port != test.port || (https == "on") != test.tls {
			t.Errorf("%q: got %s, %s, HTTPS %q", test.host, name, port, https)
		}
		if addr, _ := params.Get("SERVER_ADDR"); addr != "192.0.2.9" {
			t.Errorf("SERVER_ADDR is %q", addr)
		}
	}
}

func TestRequestURI(t *testing.T) {
	for target, want := range map[string]string{
		"/": "/", "//a//b": "//a//b", "/a%2fb?c=%zz#d": "/a%2fb?c=%zz#d",
		"http://h/a?b": "/a?b", "http://h": "/", "http://h?a": "/?a", "http://h?a/b": "/?a/b",
	} {
		if got := requestURI(readHTTP(t, "GET "+target+" HTTP/1.1\nHost: h\n\n")); got != want {
			t.Errorf("%s: got %s", target, got)
		}
	}
}

func TestEnvironmentOfUnixClient(t *testing.T) {
	req := readHTTP(t, "POST / HTTP/1.0\nContent-Length: 0\n\n")
	req.RemoteAddr = "@"
	params, err := New(Config{}).appendEnvironment(nil, req, "/")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"REMOTE_ADDR": "", "SERVER_NAME": "localhost", "SERVER_PORT": "80", "CONTENT_LENGTH": "0", "SCRIPT_NAME": ""} {
		if got, ok := params.Get(name); got != want || !ok {
			t.Errorf("%s: got %q, %v", name, got, ok)
		}
	}
}

func contextWithLocal(req *http.Request, addr net.Addr) context.Context {
	return context.WithValue(req.Context(), http.LocalAddrContextKey, addr)
}
