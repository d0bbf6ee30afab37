//go:build linux

package main

import (
	"strings"
	"testing"
)

func TestBlogBehindLighttpd(t *testing.T) {
	in := start(t, startOptions{root: copyApp(t, "blog"), args: []string{"4"}}).serving()
	url := in.behindLighttpd(4)
	status, body := get(t, url+"/posts")
	if status != 200 || len(body) < 20_000 || !strings.Contains(body, "authenticity_token") {
		t.Errorf("GET /posts: %d, %d bytes", status, len(body))
	}
}
