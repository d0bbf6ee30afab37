//go:build linux

package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// TestLighttpdSendsFilesOfRails: tmp/files is below a folder that is allowed where nobody names one. Elsewhere the
// answer is an error, and never an empty page or a path.
func TestLighttpdSendsFilesOfRails(t *testing.T) {
	t.Parallel()
	root := sendfileApp(t)
	// As a deploy has it: what stays lies elsewhere, and the release has a link to it.
	shared := t.TempDir()
	if err := os.RemoveAll(filepath.Join(root, "tmp")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(shared, filepath.Join(root, "tmp")); err != nil {
		t.Fatal(err)
	}
	site := startBrowsed(t, root)
	b := site.behindGenerated(t, "--sendfile-dir", shared)
	data := string(randomBytes(100_000))
	b.send(t, "large.bin", []byte(data))
	got := b.get(t, "/download/large.bin").expect(t, 200)
	if got.body != data || got.Header.Get("Content-Type") != "application/octet-stream" ||
		!strings.HasPrefix(got.Header.Get("Content-Disposition"), "attachment") || got.Header.Get("X-Runtime") == "" {
		t.Errorf("GET: %d bytes, %v", len(got.body), got.Header)
	}
	got = b.ask(t, http.MethodGet, "/download/large.bin", nil, "Range", "bytes=10-19").expect(t, 206)
	if got.body != data[10:20] || got.Header.Get("Content-Range") != "bytes 10-19/100000" {
		t.Errorf("Range: %q, %v", got.body, got.Header)
	}
	if got := b.ask(t, http.MethodHead, "/download/large.bin", nil).expect(t, 200); got.body != "" {
		t.Errorf("HEAD: %q", got.body)
	}
	got = site.behindGenerated(t, "--sendfile-dir", "private").get(t, "/download/large.bin").expect(t, 403)
	if strings.Contains(got.body, site.in.root) || got.Header.Get("X-Sendfile") != "" {
		t.Errorf("the client was told %v %q", got.Header, got.body)
	}
}

// TestUserRewritesReachApplication: the application gets the path and the query that rules before ours have made.
func TestUserRewritesReachApplication(t *testing.T) {
	t.Parallel()
	b := startBrowsed(t, publicApp(t))
	rules := `url.rewrite-repeat = ( "^/old/(.*)$" => "/$1", "^/named/([0-9]+)$" => "/env?number=$1" )` + "\n"
	b = b.behind(t, recipe{"generated", true, func(root string, port int) string {
		return rules + output(t, root, "config", "--full", "--port", strconv.Itoa(port), strconv.Itoa(recipeWorkers))
	}})
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		b.ask(t, method, "/old/env?a=%26", nil).expect(t, 200).is(t, map[string]any{
			"REQUEST_METHOD": method, "SCRIPT_NAME": "", "PATH_INFO": "/env", "QUERY_STRING": "a=%26", "REQUEST_URI": "/old/env?a=%26"})
		b.ask(t, method, "/named/7", nil).expect(t, 200).is(t, map[string]any{"PATH_INFO": "/env", "QUERY_STRING": "number=7"})
	}
}
