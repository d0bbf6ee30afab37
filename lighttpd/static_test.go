package lighttpd

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestServeIndex: the index.html of a folder is the folder's page, where there
// is one.
func TestServeIndex(t *testing.T) {
	for _, prefix := range []string{"", "/shop"} {
		site := newSite(t, shortDir(t), 1)
		site.Prefix = prefix
		for _, name := range []string{"index.html", "docs/index.html", ".git/index.html", "docs/a b/index.html"} {
			writeFile(t, filepath.Join(site.Public, name), name)
		}
		respond(t, site.Sockets[0], http.HandlerFunc(echo))
		d := serve(t, full(t, site))
		d.expect(t, []request{
			{"GET", prefix + "/", false, 200, "index.html"},
			{"GET", prefix + "/?a=b/", false, 200, "index.html"},
			{"HEAD", prefix + "/", false, 200, ""},
			{"GET", prefix + "/index.html", false, 200, "index.html"},
			{"GET", prefix + "/docs/", false, 200, "docs/index.html"},
			{"GET", prefix + "/docs//", false, 200, "docs/index.html"},
			{"GET", prefix + "/docs/a%20b/", false, 200, "docs/a b/index.html"},
			{"GET", prefix + "/docs", true, 200, ""},
			{"GET", prefix + "/docs/x/", true, 200, ""},
			{"GET", prefix + "/docs/x/?a=b", true, 200, ""},
			{"GET", prefix + "/x/index.html?a=b", true, 200, ""},
			{"POST", prefix + "/", true, 200, ""},
			{"PUT", prefix + "/docs/", true, 200, ""},
			{"GET", prefix + "/.git/", true, 200, ""},
			{"GET", prefix + "/.git/index.html", true, 200, ""},
		})
		if got := d.get(t, prefix+"/").header.Get("Content-Type"); got != "text/html; charset=utf-8" {
			t.Errorf("Content-Type of the index: %q", got)
		}
	}
}

// TestServeFingerprinted: only files that are there and cannot change are kept
// by browsers. A page of the application that says "not yet" would be kept too.
func TestServeFingerprinted(t *testing.T) {
	year := "max-age=31536000"
	sha := "0f343b0931126a20f133d67c2b018a3b5d7a1d3d2c0e1a9f8b7c6d5e4f3a2b1c"
	files := map[string]string{
		"assets/application-" + sha + ".css":             year, // Sprockets
		"assets/application.js-" + sha + ".map":          year,
		"assets/img/logo-3f2a91bc.svg":                   year, // Propshaft
		"assets/application-3f2a91bc.digested.js":        year,
		"packs/js/application-9b1f6a0c3d2e4f5a6b7c.js":   year, // Webpacker
		"packs/js/0-9b1f6a0c3d2e4f5a6b7c.chunk.js":       year,
		"packs/media/images/logo-0a1b2c3d4e5f60718293.p": year,
		"vite/assets/application-DkZ2BOoJ.js":            year, // Vite
		"vite/assets/application.cbd3fa7b.css":           year,
		"assets/application.css":                         "",
		"assets/photo-20240131.jpg":                      "", // a date
		"assets/cafe-deadbeef.png":                       "", // a word
		"assets/application-3f2a91b.js":                  "",
		"assets/jquery-3.7.1.min.js":                     "",
		"uploads/photo-3f2a91bc.jpg":                     "",
		"robots.txt":                                     "",
	}
	for _, prefix := range []string{"", "/shop"} {
		site := newSite(t, shortDir(t), 1)
		site.Prefix = prefix
		for name := range files {
			writeFile(t, filepath.Join(site.Public, name), name)
		}
		respond(t, site.Sockets[0], http.HandlerFunc(echo))
		d := serve(t, full(t, site))
		for name, want := range files {
			got := d.get(t, prefix+"/"+name)
			if got.body != name || got.header.Get("Cache-Control") != want {
				t.Errorf("%s: %d %q, Cache-Control %q, want %q", name, got.status, got.body, got.header.Get("Cache-Control"), want)
			}
			if got := d.get(t, prefix+"/"+strings.Replace(name, "/", "/missing/", 1)+".missing"); !got.fromApplication() || got.header.Get("Cache-Control") != "" {
				t.Errorf("%s, missing: by the application: %v, Cache-Control %q", name, got.fromApplication(), got.header.Get("Cache-Control"))
			}
		}
	}
}

// TestServeConditions: what browsers and caches ask of a static file.
func TestServeConditions(t *testing.T) {
	site := newSite(t, shortDir(t), 1)
	writeFile(t, filepath.Join(site.Public, "a.txt"), "0123456789")
	if err := os.Symlink(filepath.Join(site.Public, "a.txt"), filepath.Join(site.Public, "link.txt")); err != nil {
		t.Fatal(err)
	}
	d := serve(t, full(t, site))
	first := d.get(t, "/a.txt")
	tag, modified := first.header.Get("ETag"), first.header.Get("Last-Modified")
	for _, tt := range []struct {
		name   string
		header []string
		status int
		body   string
	}{
		{"unchanged", []string{"If-None-Match", tag}, 304, ""},
		{"changed", []string{"If-None-Match", `"other"`}, 200, "0123456789"},
		{"not since", []string{"If-Modified-Since", modified}, 304, ""},
		{"range", []string{"Range", "bytes=2-4"}, 206, "234"},
		{"range of this one", []string{"Range", "bytes=2-4", "If-Range", tag}, 206, "234"},
		{"range of another one", []string{"Range", "bytes=2-4", "If-Range", `"other"`}, 200, "0123456789"},
		{"range past the end", []string{"Range", "bytes=20-"}, 416, ""},
	} {
		got := d.do(t, http.MethodGet, "/a.txt", nil, tt.header...)
		if got.status != tt.status || tt.body != "" && got.body != tt.body {
			t.Errorf("%s: %d %q", tt.name, got.status, got.body)
		}
	}
	if got := d.get(t, "/link.txt"); got.body != "0123456789" {
		t.Errorf("a link: %d %q", got.status, got.body)
	}
}
