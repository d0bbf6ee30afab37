//go:build linux

package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// sendfileApp is the blog with what makes Rails leave the sending of files to the web server.
func sendfileApp(t *testing.T) string {
	root := copyApp(t, "blog")
	file := filepath.Join(root, "config", "initializers", "sendfile.rb")
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	text := "Rails.application.config.action_dispatch.x_sendfile_header = \"X-Sendfile\"\n"
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return root
}

// TestFrontSendsFilesOfRails: tmp/files is below a folder that is allowed where nobody names one.
func TestFrontSendsFilesOfRails(t *testing.T) {
	t.Parallel()
	b := startFront(t, sendfileApp(t), 1)
	data := string(randomBytes(100_000))
	b.send(t, "large.bin", []byte(data))
	got := b.get(t, "/download/large.bin").expect(t, 200)
	if got.body != data || got.ContentLength != int64(len(data)) || got.Header.Get("Content-Type") != "application/octet-stream" ||
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
}

// TestFrontRefusesFilesElsewhere: an error that the log explains, and never an empty page or a path.
func TestFrontRefusesFilesElsewhere(t *testing.T) {
	t.Parallel()
	b := startFront(t, sendfileApp(t), 1, "--sendfile-dir", "private", "--sendfile-dir", "nowhere")
	b.in.waitLine(`level=WARN msg="--sendfile-dir names a folder that is not there, and nothing is sent from it: \S+/nowhere"`)
	b.send(t, "a.txt", []byte("text"))
	got := b.get(t, "/download/a.txt").expect(t, 500)
	if strings.Contains(got.body, b.in.root) || got.Header.Get("X-Sendfile") != "" {
		t.Errorf("the client was told %v %q", got.Header, got.body)
	}
	b.in.waitLine(`"file was not sent".* path=/download/a.txt .*file=\S+/tmp/files/a.txt .*--sendfile-dir`)
}
