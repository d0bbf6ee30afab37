package webserver

import (
	"regexp"
	"testing"
)

func TestAddress(t *testing.T) {
	for text, want := range map[string]Address{
		"/run/s":             {Socket: "/run/s"},
		"/run/a:1":           {Socket: "/run/a:1"},
		"127.0.0.1:9000":     {Host: "127.0.0.1", Port: 9000},
		"[fd00::2]:9000":     {Host: "fd00::2", Port: 9000},
		"a.example.com:9000": {Host: "a.example.com", Port: 9000},
	} {
		got, err := ParseAddress(text)
		if err != nil || got != want || got.String() != text {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "run/s", "host", "host:", "host:http", "::1:9000"} {
		if got, err := ParseAddress(text); err == nil {
			t.Errorf("%q: %v", text, got)
		}
	}
}

// TestName: sites that differ have different names, which every web server takes.
func TestName(t *testing.T) {
	at := func(root, prefix, socket string) Site {
		return Site{Root: root, Prefix: prefix, Backends: []Address{{Socket: socket}}}
	}
	seen := map[string]bool{}
	for _, site := range []Site{at("/srv/shop", "", "/s"), at("/srv/shop", "/shop", "/s"), at("/srv/shop", "", "/t"), at("/home/shop", "", "/s"),
		at("/srv/sh-op", "", "/s"), at("/srv/sh+op", "", "/s"), at("/", "", "/s"), at("/srv/日本", "", "/s"), at("/srv/shop/current", "", "/s"),
		at("/srv/a-folder-with-a-name-that-is-longer-than-most", "", "/s")} {
		name := site.Name()
		if seen[name] || !regexp.MustCompile(`^launcher_[0-9A-Za-z_]*_[0-9a-f]{8}$`).MatchString(name) || len(name) > 40 {
			t.Errorf("%v is called %s", site, name)
		}
		seen[name] = true
	}
	if got := at("/srv/shop/current", "", "/s").Name(); got[:14] != "launcher_shop_" {
		t.Errorf("a link of a deploy is called %s", got)
	}
}
