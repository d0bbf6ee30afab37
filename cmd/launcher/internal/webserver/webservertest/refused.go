package webservertest

import (
	"context"
	"errors"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"launcher/cmd/launcher/internal/webserver"
	"launcher/preforker/hint"
)

// TestRefused has sites and listeners refused that cannot be written down, and versions that are too old, each with a
// hint and without a text.
func TestRefused(t *testing.T, server webserver.Server, oldest webserver.Version) {
	for name, change := range map[string]func(*webserver.Site){
		"relative root":           func(s *webserver.Site) { s.Root = "shop" },
		"line break in root":      func(s *webserver.Site) { s.Root = "/srv/a\nb" },
		"relative public":         func(s *webserver.Site) { s.Public = "public" },
		"NUL in public":           func(s *webserver.Site) { s.Public = "/srv/a\x00b" },
		"relative sendfile":       func(s *webserver.Site) { s.Sendfile = []string{"storage"} },
		"no workers":              func(s *webserver.Site) { s.Backends = nil },
		"relative socket":         func(s *webserver.Site) { s.Backends[1].Socket = "log/s" },
		"line break in socket":    func(s *webserver.Site) { s.Backends[1].Socket = "/a\rb" },
		"long socket":             func(s *webserver.Site) { s.Backends[1].Socket = "/" + strings.Repeat("s", 107) },
		"one socket twice":        func(s *webserver.Site) { s.Backends[1] = s.Backends[0] },
		"no port":                 func(s *webserver.Site) { s.Backends[1] = webserver.Address{Host: "127.0.0.1"} },
		"high port":               func(s *webserver.Site) { s.Backends[1] = webserver.Address{Host: "127.0.0.1", Port: 65536} },
		"no host":                 func(s *webserver.Site) { s.Backends[1] = webserver.Address{Port: 9000} },
		"host with a blank":       func(s *webserver.Site) { s.Backends[1] = webserver.Address{Host: "a b", Port: 9000} },
		"host with a zone":        func(s *webserver.Site) { s.Backends[1] = webserver.Address{Host: "fe80::1%eth0", Port: 9000} },
		"prefix without slash":    func(s *webserver.Site) { s.Prefix = "shop" },
		"prefix ends with slash":  func(s *webserver.Site) { s.Prefix = "/shop/" },
		"prefix with a blank":     func(s *webserver.Site) { s.Prefix = "/sh op" },
		"prefix with a dot file":  func(s *webserver.Site) { s.Prefix = "/.shop" },
		"prefix with a semicolon": func(s *webserver.Site) { s.Prefix = "/shop;" },
	} {
		site := Plain()
		change(&site)
		config, err := server.Snippet(site, server.DefaultVersion())
		refused(t, name, config, err)
		config, err = server.Full(site, server.DefaultVersion(), webserver.Listener{Port: 8080, Temp: "/tmp"})
		refused(t, name, config, err)
	}
	for name, listener := range map[string]webserver.Listener{
		"no port": {Temp: "/tmp"}, "high port": {Port: 65536, Temp: "/tmp"}, "no address": {Address: "localhost", Port: 80, Temp: "/tmp"},
		"zone": {Address: "fe80::1%eth0", Port: 80, Temp: "/tmp"}, "relative folder": {Port: 80, Temp: "tmp"},
	} {
		config, err := server.Full(Plain(), server.DefaultVersion(), listener)
		refused(t, name, config, err)
	}
	older := oldest
	older.Major--
	config, err := server.Snippet(Plain(), older)
	refused(t, "old version", config, err)
	config, err = server.Full(Plain(), older, webserver.Listener{Port: 8080, Temp: "/tmp"})
	refused(t, "old version", config, err)
}

func refused(t *testing.T, name string, config webserver.Config, err error) {
	t.Helper()
	if err == nil || config.Text != "" || hint.Of(err) == "" {
		t.Errorf("%s: text %.40q, error %v, hint %q", name, config.Text, err, hint.Of(err))
	}
}

// TestCheck has the web server refuse what it does not know, some lines with the word nobody_knows_this, and a program
// that is missing told.
func TestCheck(t *testing.T, server webserver.Server, unknown string) {
	config, err := server.Snippet(Plain(), server.DefaultVersion())
	if err != nil {
		t.Fatal(err)
	}
	broken := config
	broken.Test = func(folder string) string { return config.Test(folder) + "\n" + unknown + "\n" }
	if err := server.Check(t.Context(), "", broken); err == nil || !strings.Contains(err.Error(), "nobody_knows_this") || hint.Of(err) == "" {
		t.Errorf("an unknown option: %v, hint %q", err, hint.Of(err))
	}
	missing := filepath.Join(t.TempDir(), "missing")
	if err := server.Check(t.Context(), missing, config); err == nil || !strings.Contains(err.Error(), missing) {
		t.Errorf("a program that is missing: %v", err)
	}
	if _, err := server.Find(t.Context(), "no-such-web-server"); !errors.Is(err, exec.ErrNotFound) || hint.Of(err) == "" {
		t.Errorf("a program that is not on PATH: %v", err)
	}
	if _, err := server.Find(t.Context(), "/bin/true"); err == nil || hint.Of(err) == "" {
		t.Errorf("another program: %v", err)
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if err := server.Check(cancelled, "", config); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}
