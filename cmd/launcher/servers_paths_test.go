//go:build linux

package main

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// expectation is who answers a request: a static file, or the application.
type expectation struct {
	method, target, static string
}

// TestServersPaths: a file that is there is sent, for GET and HEAD alone; names that begin with a dot are not looked for;
// and the application is told all else as the client wrote it.
func TestServersPaths(t *testing.T) {
	eachServer(t, func(t *testing.T, s webServer) {
		b := startServed(t, s)
		for _, want := range []expectation{
			{"GET", "/robots.txt", "static robots"},
			{"GET", "/robots.txt?v=1", "static robots"},
			{"HEAD", "/robots.txt", "static robots"},
			{"GET", "/assets/app.css", "static css"},
			{"GET", "/assets/app-3f2a91bc.css", "static fingerprinted"},
			{"GET", "/with%20space.txt", "static space"},
			{"GET", "/%C3%BCn%C3%AFcode.txt", "static unicode"},
			{"GET", "/.well-known/acme-challenge/token", "static token"},
			{"GET", "/manual/", "static index"},
			{"GET", "/manual/?a=b", "static index"},
			{"GET", "/manual/index.html", "static index"},
			{"GET", "/a/../robots.txt", "static robots"},
			{"HEAD", "/nothing", ""},
			{"GET", "/docs", ""},
			{"GET", "/docs/", ""},
			{"GET", "/docs/?a=b", ""},
			{"GET", "/index.html", ""},
			{"GET", "/docs/index.html?a=b", ""},
			{"GET", "/manual", ""},
			{"POST", "/manual/", ""},
			{"GET", "/orders/1?a=b&c=%26+d", ""},
			{"GET", "/orders?a=/robots.txt", ""},
			{"GET", "/orders?", ""},
			{"GET", "/orders??a=?", ""},
			{"GET", "/orders?a=%00%ff&b=%", ""},
			{"GET", "/a%2Fb/%3Fc%23/%25d%20e", ""},
			{"GET", "/a%2fb", ""},
			{"GET", "/a%3Fb", ""},
			{"GET", "/a+b;c=d,e:f@g!h$i&j='(k)*", ""},
			{"GET", "/$1/$$/%251", ""},
			{"GET", "/%7Euser/~user", ""},
			{"GET", "/caf%C3%A9/%E6%97%A5%E6%9C%AC", ""},
			{"GET", "/%FF%FE", ""},
			{"GET", "//a", ""},
			{"GET", "/a//b///c/", ""},
			{"GET", "/a/./b/../c", ""},
			{"GET", "/robots.txt/more", ""},
			{"GET", "/robots.txt/", ""},
			{"GET", "/assets", ""},
			{"POST", "/robots.txt", ""},
			{"DELETE", "/assets/app.css", ""},
			{"OPTIONS", "/robots.txt", ""},
			{"PATCH", "/orders/1", ""},
			{"GET", "/dispatch.fcgi/orders", ""},
			{"GET", "/.env", ""},
			{"GET", "/%2eenv", ""},
			{"GET", "//.env", ""},
			{"GET", "/./.env", ""},
			{"GET", "/x/../.env", ""},
			{"GET", "/x%0A/..%2F.env", ""},
			{"GET", "/.git/config", ""},
			{"GET", "/assets/.hidden/x.txt", ""},
			{"GET", "/.well-known/.secret", ""},
			{"GET", "/.well-known/../.env", ""},
			{"GET", "/.well-knownish/x", ""},
			{"GET", "/.well-known", ""},
			{"GET", "/" + strings.Repeat("long/", 800), ""},
		} {
			b.expects(t, s, "", want)
		}
		for path, want := range map[string]string{"/assets/app-3f2a91bc.css": "max-age=31536000", "/assets/app.css": "", "/assets/none-3f2a91bc.css": ""} {
			if got := b.get(t, path).Header.Get("Cache-Control"); got != want && !s.noFiles {
				t.Errorf("%s may be kept: %q, want %q", path, got, want)
			}
		}
		if got := b.get(t, "/assets/app.css").Header.Get("Content-Type"); !strings.HasPrefix(got, "text/css") && !s.noFiles {
			t.Errorf("Content-Type of a style sheet: %q", got)
		}
	})
}

// expects sends a request and says who is to answer it.
func (b browser) expects(t *testing.T, s webServer, prefix string, want expectation) {
	t.Helper()
	target := prefix + want.target
	got := b.target(t, want.method, target, "")
	status, application, body := 200, want.static == "" || s.noFiles, want.static
	if own := s.own[want.target]; own > 0 {
		status, application = own, false
	}
	if application {
		body = s.toldAs(want.method, target)
	}
	if want.method == http.MethodHead {
		body = ""
	}
	if got.err != nil || got.StatusCode != status || got.byApplication() != application || status == 200 && got.body != body {
		t.Errorf("%s %s: %d, by the application: %v, %q, %v; want %d, %v, %q", want.method, target,
			got.StatusCode, got.byApplication(), got.body, got.err, status, application, body)
	}
}

// TestServersPrefix: the application is mounted below a path of a host that has something else beside it.
func TestServersPrefix(t *testing.T) {
	eachServer(t, func(t *testing.T, s webServer) {
		b := startServed(t, s, "--url-prefix", "/shop")
		for _, want := range []expectation{
			{"GET", "/robots.txt", "static robots"},
			{"GET", "/manual/", "static index"},
			{"GET", "/assets/app-3f2a91bc.css", "static fingerprinted"},
			{"GET", "/.well-known/acme-challenge/token", "static token"},
			{"GET", "/orders/1?a=b", ""},
			{"GET", "/a//b", ""},
			{"GET", "/manual", ""},
			{"POST", "/robots.txt", ""},
			{"GET", "/.env", ""},
			{"GET", "/../shop/.env", ""},
			{"GET", "/%2eenv", ""},
			{"GET", "/shop/x", ""},
		} {
			b.expects(t, s, "/shop", want)
		}
		for _, target := range []string{"/shop/env", "/shop/env?a=b", "/%73hop/env"} {
			b.target(t, http.MethodGet, target, "").expect(t, 200).is(t, map[string]any{"SCRIPT_NAME": "/shop", "PATH_INFO": "/env"})
		}
		for _, target := range []string{"/shop", "/shop/"} {
			if got := b.target(t, http.MethodGet, target, "").expect(t, 200); got.body != "hello\n" {
				t.Errorf("GET %s: %q", target, got.body)
			}
		}
		for _, target := range []string{"/", "/robots.txt", "/shopping", "/shop.txt"} {
			if got := b.target(t, http.MethodGet, target, ""); got.StatusCode != 404 || got.byApplication() {
				t.Errorf("GET %s: %d, by the application: %v", target, got.StatusCode, got.byApplication())
			}
		}
		if got := b.get(t, "/shop/assets/app-3f2a91bc.css").Header.Get("Cache-Control"); got != "max-age=31536000" && !s.noFiles {
			t.Errorf("a fingerprinted file may be kept: %q", got)
		}
	})
}

// TestServersRequests: methods, headers, bodies, cookies and responses without a body.
func TestServersRequests(t *testing.T) {
	eachServer(t, func(t *testing.T, s webServer) {
		b := startServed(t, s)
		t.Run("methods", func(t *testing.T) { b.methods(t, s) })
		t.Run("cookies", b.cookies)
		t.Run("no body", func(t *testing.T) { b.bodiless(t, s) })
		t.Run("headers", b.headers)
		t.Run("trusted", b.trusted)
		t.Run("start", func(t *testing.T) { b.started(t, s) })
		t.Run("raise", b.raiseToServer)
		t.Run("long head", func(t *testing.T) {
			if got := b.get(t, "/head-of").expect(t, 200); len(got.Header.Get("X-One")+got.Header.Get("X-Two")+got.Header.Get("X-Three")) != 18_000 {
				t.Errorf("a head of 18,000 bytes: %v", got.Header)
			}
			b.ask(t, http.MethodGet, "/env", nil, "X-Long", strings.Repeat("x", 7000)).expect(t, 200).
				is(t, map[string]any{"HTTP_X_LONG": strings.Repeat("x", 7000)})
		})
		t.Run("file", func(t *testing.T) { b.sentFiles(t, s) })
	})
}

func (b browser) methods(t *testing.T, s webServer) {
	for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"} {
		got := b.target(t, method, "/orders?a=b", "").expect(t, 200)
		if want := method + " /orders?a=b 0"; got.body != want && method != "HEAD" || !got.byApplication() {
			t.Errorf("%s: %q, want %q", method, got.body, want)
		}
		if slices.Contains([]string{"GET", "HEAD", "OPTIONS"}, method) {
			continue
		}
		if got, want := b.target(t, method, "/orders", "body").expect(t, 200), method+" /orders 4"; got.body != want {
			t.Errorf("%s with a body: %q, want %q", method, got.body, want)
		}
	}
	if got := b.target(t, "GET", "/orders", "body"); s.getBody > 0 && got.StatusCode != s.getBody || s.getBody == 0 && got.body != "GET /orders 4" {
		t.Errorf("GET with a body: %d %q", got.StatusCode, got.body)
	}
}

func (b browser) bodiless(t *testing.T, s webServer) {
	if got := b.get(t, "/204").expect(t, 204); got.body != "" {
		t.Errorf("GET /204: %q", got.body)
	}
	if got := b.get(t, "/304").expect(t, 304); got.body != "" || got.Header.Get("ETag") != `"hello"` {
		t.Errorf("GET /304: %q, %v", got.body, got.Header)
	}
	length := int64(len("not for HEAD\n"))
	if s.headless {
		length = -1
	}
	if got := b.ask(t, http.MethodHead, "/head", nil).expect(t, 200); got.body != "" || got.ContentLength != length {
		t.Errorf("HEAD /head: %q, Content-Length %d, want %d", got.body, got.ContentLength, length)
	}
}

// started: the application, and the histogram of the status, are told when the request came, and no client can say so but to lighttpd.
func (b browser) started(t *testing.T, s webServer) {
	const forged = "t=1234567890.123"
	own := regexp.MustCompile(`"HTTP_X_REQUEST_START": ?"t=1[7-9]([0-9]{8}\.[0-9]{3}|[0-9]{11}|[0-9]{14})"`)
	for _, headers := range [][]string{nil, {"X-Request-Start", forged}, {"X_Request_Start", forged}, {"X.Request.Start", forged}} {
		got := b.ask(t, http.MethodGet, "/env", nil, headers...).expect(t, 200)
		passed := s.noClock && slices.Contains(headers, "X-Request-Start")
		if own.MatchString(got.body) == s.noClock || strings.Contains(got.body, forged) != passed {
			t.Errorf("%v: %s", headers, got.body)
		}
	}
}

// trusted: a client cannot say in other spelling what applications believe of a proxy, and is known by its address.
func (b browser) trusted(t *testing.T) {
	for _, name := range []string{"X_Forwarded_For", "X.Forwarded.For", "X_Real_Ip"} {
		got := b.target(t, http.MethodGet, "/env", "", name, "forged").expect(t, 200)
		if strings.Contains(got.body, "forged") {
			t.Errorf("%s reached the application: %s", name, got.body)
		}
	}
	b.ask(t, http.MethodGet, "/env", nil, "Authorization", "Bearer token").expect(t, 200).
		is(t, map[string]any{"HTTP_AUTHORIZATION": "Bearer token", "REMOTE_ADDR": "127.0.0.1", "rack.url_scheme": "http"})
}

// sentFiles: a file of a folder that is allowed is sent by the web server where it can, with ranges, and by the worker
// elsewhere.
func (b browser) sentFiles(t *testing.T, s webServer) {
	got := b.get(t, "/file?name=a.bin").expect(t, 200)
	if got.body != "0123456789" || got.Header.Get("Content-Type") != "text/x-own" || got.Header.Get("X-Sendfile") != "" {
		t.Errorf("GET: %q, %v", got.body, got.Header)
	}
	if got := b.get(t, "/file?name=100%2525+%C3%BC.bin"); got.StatusCode != 200 || got.body != "odd" {
		t.Errorf("a file with an odd name: %d %q", got.StatusCode, got.body)
	}
	if s.sendfile == "" {
		return
	}
	got = b.ask(t, http.MethodGet, "/file?name=a.bin", nil, "Range", "bytes=2-4").expect(t, 206)
	if got.body != "234" || got.Header.Get("Content-Range") != "bytes 2-4/10" {
		t.Errorf("Range: %q, %v", got.body, got.Header)
	}
	if got := b.get(t, "/file?name=../config.ru"); strings.Contains(got.body, "Hello.new") {
		t.Errorf("a file outside: %d %q", got.StatusCode, got.body)
	}
}
