package lighttpd

import (
	"net/http"
	"path/filepath"
	"testing"
)

// TestSendfileNowhere: an error rather than an empty page.
func TestSendfileNowhere(t *testing.T) {
	site := newSite(t, shortDir(t), 1)
	writeFile(t, filepath.Join(site.Root, "file.txt"), "secret")
	respond(t, site.Sockets[0], http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Sendfile", filepath.Join(site.Root, "file.txt"))
	}))
	d := serve(t, full(t, site))
	if got := d.get(t, "/x"); got.status != 403 || got.header.Get("X-Sendfile") != "" {
		t.Errorf("%d %v %q", got.status, got.header, got.body)
	}
}

// TestSendfile: lighttpd sends the file that the application names, if it lies
// in a folder that is meant for it.
func TestSendfile(t *testing.T) {
	for _, prefix := range []string{"", "/shop"} {
		site := newSite(t, shortDir(t), 1)
		site.Prefix = prefix
		storage := filepath.Join(site.Root, `with "quote" and space`)
		site.Sendfile = []string{filepath.Join(site.Root, "missing"), storage}
		writeFile(t, filepath.Join(storage, "a/file.txt"), "0123456789")
		writeFile(t, filepath.Join(site.Root, "config/secret"), "secret")
		respond(t, site.Sockets[0], http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Sendfile", site.Root+r.URL.Query().Get("file"))
			w.Header().Set("Content-Type", "text/x-own")
			w.Header().Set("Content-Disposition", "attachment")
		}))
		d := serve(t, full(t, site))
		for _, tt := range []struct {
			file, ranged string
			status       int
			body         string
		}{
			{"/with+%22quote%22+and+space/a/file.txt", "", 200, "0123456789"},
			{"/with+%22quote%22+and+space/a/file.txt", "bytes=2-4", 206, "234"},
			{"/with+%22quote%22+and+space/a/none.txt", "", 404, ""},
			{"/with+%22quote%22+and+space/a", "", 403, ""},
			{"/config/secret", "", 403, ""},
			{"/missing/../config/secret", "", 403, ""},
			{"/missing-too/secret", "", 403, ""},
		} {
			header := []string{}
			if tt.ranged != "" {
				header = []string{"Range", tt.ranged}
			}
			got := d.do(t, http.MethodGet, prefix+"/x?file="+tt.file, nil, header...)
			if got.status != tt.status || tt.body != "" && got.body != tt.body {
				t.Errorf("%s %s: %d %q, want %d %q", tt.file, tt.ranged, got.status, got.body, tt.status, tt.body)
			}
			if tt.status < 300 && (got.header.Get("Content-Type") != "text/x-own" || got.header.Get("Content-Disposition") != "attachment") {
				t.Errorf("%s: the application's headers are lost: %v", tt.file, got.header)
			}
			if got.header.Get("X-Sendfile") != "" {
				t.Errorf("%s: the client is told the path", tt.file)
			}
		}
	}
}
