package lighttpd

import (
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"testing"
)

// echo answers with what it was asked, so that a test sees which requests
// reached the application, and how.
func echo(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Application", "yes")
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	fmt.Fprintf(w, "%s %s %d", r.Method, r.URL.RequestURI(), len(body))
}

func (r reply) fromApplication() bool { return r.header.Get("X-Application") == "yes" }

// request is one line of a table: who answers, and with what.
type request struct {
	method, target string
	application    bool
	status         int
	body           string // of a static file; the application's follows from the request
}

func (d *daemon) expect(t *testing.T, requests []request) {
	t.Helper()
	for _, want := range requests {
		got := d.do(t, want.method, want.target, nil)
		body := want.body
		if want.application {
			body = fmt.Sprintf("%s %s 0", want.method, want.target)
		}
		if want.method == http.MethodHead {
			body = ""
		}
		if got.fromApplication() != want.application || got.status != want.status || want.status == 200 && got.body != body {
			t.Errorf("%s %s: status %d, by the application: %v, body %q; want %d, %v, %q", want.method, want.target,
				got.status, got.fromApplication(), got.body, want.status, want.application, body)
		}
	}
}

func TestServeStaticFilesFirst(t *testing.T) {
	site := newSite(t, shortDir(t), 1)
	for name, content := range map[string]string{
		"robots.txt":                       "static robots",
		"assets/app.css":                   "static css",
		"with space.txt":                   "static space",
		"ünïcode.txt":                      "static unicode",
		"docs/guide.html":                  "static guide",
		".env":                             "secret",
		".git/config":                      "secret",
		"assets/.hidden/x.txt":             "secret",
		".well-known/acme-challenge/token": "static token",
		".well-known/.secret":              "secret",
		".well-knownish/x":                 "secret",
		"dispatch.fcgi":                    "source code",
	} {
		writeFile(t, filepath.Join(site.Public, name), content)
	}
	respond(t, site.Sockets[0], http.HandlerFunc(echo))
	d := serve(t, full(t, site))

	static := func(method, target, body string) request { return request{method, target, false, 200, body} }
	dynamic := func(method, target string) request { return request{method, target, true, 200, ""} }
	d.expect(t, []request{
		static("GET", "/robots.txt", "static robots"),
		static("GET", "/robots.txt?v=1", "static robots"),
		static("HEAD", "/robots.txt", ""),
		static("GET", "/assets/app.css", "static css"),
		static("GET", "/with%20space.txt", "static space"),
		static("GET", "/%C3%BCn%C3%AFcode.txt", "static unicode"),
		static("GET", "/.well-known/acme-challenge/token", "static token"),
		static("GET", "/a/../robots.txt", "static robots"),

		dynamic("GET", "/"),
		dynamic("HEAD", "/"),
		dynamic("GET", "/docs"),
		dynamic("GET", "/docs/"),
		dynamic("GET", "/docs/?a=b"),
		dynamic("GET", "/index.html"),
		dynamic("GET", "/docs/index.html?a=b"),
		dynamic("GET", "/orders/1?a=b&c=%26+d"),
		dynamic("GET", "/orders?a=/robots.txt"),
		dynamic("GET", "/a%2Fb/%3Fc%23/%25d%20e"),
		dynamic("GET", "/$1/$$/%251"),
		dynamic("GET", "/robots.txt/more"),
		dynamic("GET", "/assets"),
		dynamic("POST", "/robots.txt"),
		dynamic("DELETE", "/assets/app.css"),
		dynamic("OPTIONS", "/robots.txt"),
		dynamic("PATCH", "/orders/1"),
		dynamic("GET", "/dispatch.fcgi"),
		dynamic("GET", "/dispatch.fcgi/orders"),

		dynamic("GET", "/.env"),
		dynamic("GET", "/%2eenv"),
		dynamic("GET", "//.env"),
		dynamic("GET", "/./.env"),
		dynamic("GET", "/x/../.env"),
		{"GET", "/x%0A/..%2F.env", false, 400, ""},
		dynamic("GET", "/.git/config"),
		dynamic("GET", "/assets/.hidden/x.txt"),
		dynamic("GET", "/.well-known/.secret"),
		dynamic("GET", "/.well-known/../.env"),
		dynamic("GET", "/.well-knownish/x"),
		dynamic("GET", "/.well-known"),
	})
	if got := d.get(t, "/assets/app.css").header.Get("Content-Type"); got != "text/css; charset=utf-8" {
		t.Errorf("Content-Type of a style sheet: %q", got)
	}
}

func TestServeBelowPrefix(t *testing.T) {
	site := newSite(t, shortDir(t), 1)
	site.Prefix = "/shop"
	writeFile(t, filepath.Join(site.Public, "robots.txt"), "static robots")
	writeFile(t, filepath.Join(site.Public, ".env"), "secret")
	writeFile(t, filepath.Join(site.Public, ".well-known/x"), "static well-known")
	writeFile(t, filepath.Join(site.Public, "shop/x"), "never found")
	respond(t, site.Sockets[0], http.HandlerFunc(echo))
	d := serve(t, full(t, site))

	d.expect(t, []request{
		{"GET", "/shop/robots.txt", false, 200, "static robots"},
		{"GET", "/shop/.well-known/x", false, 200, "static well-known"},
		{"GET", "/%73hop/robots.txt", false, 200, "static robots"},
		{"GET", "/shop", true, 200, ""},
		{"GET", "/shop?a=b", true, 200, ""},
		{"GET", "/shop/", true, 200, ""},
		{"GET", "/shop/orders/1?a=b", true, 200, ""},
		{"POST", "/shop/robots.txt", true, 200, ""},
		{"GET", "/shop/.env", true, 200, ""},
		{"GET", "/%73hop/.env", true, 200, ""},
		{"GET", "/%73hop/orders", true, 200, ""},
		{"GET", "/shop/../shop/.env", true, 200, ""},
		{"GET", "/shop/x", true, 200, ""},
		{"GET", "/", false, 404, ""},
		{"GET", "/robots.txt", false, 404, ""},
		{"GET", "/shopping", false, 404, ""},
		{"GET", "/shop.txt", false, 404, ""},
	})
}

// TestServeWithoutNormalization has lighttpd leave request targets as they
// came, where the rules see the prefix in any encoding.
func TestServeWithoutNormalization(t *testing.T) {
	site := newSite(t, shortDir(t), 1)
	site.Prefix = "/shop"
	writeFile(t, filepath.Join(site.Public, "robots.txt"), "static robots")
	writeFile(t, filepath.Join(site.Public, ".env"), "secret")
	respond(t, site.Sockets[0], http.HandlerFunc(echo))
	d := serve(t, func(port int) string {
		return full(t, site)(port) + "\nserver.http-parseopts = ( \"url-normalize\" => \"disable\" )\n"
	})
	d.expect(t, []request{
		{"GET", "/%73hop/robots.txt", false, 200, "static robots"},
		{"GET", "/%73hop/orders?a=b", true, 200, ""},
		{"GET", "/%73hop/.env", true, 200, ""},
		{"GET", "/%73hop/%2eenv", true, 200, ""},
		{"GET", "/shop/%2e%65nv", true, 200, ""},
		{"GET", "/a/../shop/.env", true, 200, ""},
		{"GET", "//shop//.env", true, 200, ""},
		{"POST", "/%73hop/robots.txt", true, 200, ""},
	})
}

func TestServeWithoutPublic(t *testing.T) {
	for _, prefix := range []string{"", "/shop"} {
		site := newSite(t, shortDir(t), 1)
		site.Prefix = prefix
		writeFile(t, filepath.Join(site.Public, "robots.txt"), "never served")
		site.Public = ""
		respond(t, site.Sockets[0], http.HandlerFunc(echo))
		d := serve(t, full(t, site))
		d.expect(t, []request{
			{"GET", prefix + "/", true, 200, ""},
			{"GET", prefix + "/robots.txt", true, 200, ""},
			{"GET", prefix + "/orders/1?a=b", true, 200, ""},
			{"HEAD", prefix + "/a%2Fb", true, 200, ""},
			{"POST", prefix + "/.env", true, 200, ""},
		})
	}
}

// TestServeParams fixes what an application is told. REQUEST_URI is what the
// client sent in every form of the configuration.
func TestServeParams(t *testing.T) {
	tests := []struct {
		name, prefix     string
		public           bool
		target           string
		script, pathInfo string
	}{
		{"static files", "", true, "/a%20b/c?x=%26", "/dispatch.fcgi", "/a b/c"},
		{"static files, root", "", true, "/?x=%26", "/dispatch.fcgi", "/"},
		{"no static files", "", false, "/a%20b/c?x=%26", "", "/a b/c"},
		{"prefix", "/shop", true, "/shop/a%20b/c?x=%26", "/shop/dispatch.fcgi", "/a b/c"},
		{"prefix, root", "/shop", true, "/shop?x=%26", "/shop/dispatch.fcgi", ""},
		{"prefix, no static files", "/shop", false, "/shop/a%20b/c?x=%26", "/shop", "/a b/c"},
		{"prefix, no static files, root", "/shop", false, "/shop?x=%26", "/shop", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			site := newSite(t, shortDir(t), 1)
			site.Prefix = tt.prefix
			if !tt.public {
				site.Public = ""
			}
			result := params(t, site.Sockets[0])
			d := serve(t, full(t, site))
			if got := d.get(t, tt.target); got.status != 200 {
				t.Fatalf("status %d: %s", got.status, got.body)
			}
			got := receive(t, result)
			for name, want := range map[string]string{
				"REQUEST_URI":  tt.target,
				"SCRIPT_NAME":  tt.script,
				"PATH_INFO":    tt.pathInfo,
				"QUERY_STRING": "x=%26",
			} {
				if got[name] != want {
					t.Errorf("%s is %q, want %q", name, got[name], want)
				}
			}
		})
	}
}

// TestServeNastyPaths serves an application from folders whose names mean
// something in lighttpd's configuration. What can be checked only by its
// effect is checked here: that the socket and the folder are the right ones.
func TestServeNastyPaths(t *testing.T) {
	for _, name := range []string{
		"with space", `quo"te`, `back\slash`, `back\"quote`, `ends with\`, "$HOME${x}$1", "100%20%%1", "# no, comment", "é日本", `" ) x = 1`,
	} {
		for _, prefix := range []string{"", "/shop"} {
			t.Run(name+prefix, func(t *testing.T) {
				site := newSite(t, filepath.Join(shortDir(t), name), 1)
				site.Prefix = prefix
				site.Public = filepath.Join(site.Root, name)
				writeFile(t, filepath.Join(site.Public, "file.txt"), "static")
				respond(t, site.Sockets[0], http.HandlerFunc(echo))
				d := serve(t, full(t, site))
				d.expect(t, []request{
					{"GET", prefix + "/file.txt", false, 200, "static"},
					{"GET", prefix + "/orders", true, 200, ""},
				})
			})
		}
	}
}
