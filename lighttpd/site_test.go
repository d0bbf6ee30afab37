package lighttpd

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// plainSite is a site that nothing is wrong with.
func plainSite() Site {
	return Site{
		Root:   "/srv/shop",
		Public: "/srv/shop/public",
		Sockets: []string{
			"/srv/shop/log/fastcgi.socket-0",
			"/srv/shop/log/fastcgi.socket-1",
			"/srv/shop/log/fastcgi.socket-2",
		},
	}
}

// writers are both ways to write a site.
func writers() map[string]func(Site, Version) (string, error) {
	return map[string]func(Site, Version) (string, error){
		"Snippet": Snippet,
		"Full":    func(s Site, v Version) (string, error) { return Full(s, v, Server{Port: 8080}) },
	}
}

func TestSiteIsRefused(t *testing.T) {
	tests := []struct {
		name   string
		change func(*Site)
		want   string
	}{
		{"relative root", func(s *Site) { s.Root = "shop" }, `application root: path is not absolute: "shop"`},
		{"no root", func(s *Site) { s.Root = "" }, "application root: path is not absolute"},
		{"line break in root", func(s *Site) { s.Root = "/srv/a\nb" }, `line break or NUL in it: "/srv/a\nb"`},
		{"carriage return in root", func(s *Site) { s.Root = "/srv/a\rb" }, `line break or NUL in it: "/srv/a\rb"`},
		{"relative public", func(s *Site) { s.Public = "public" }, "static folder: path is not absolute"},
		{"NUL in public", func(s *Site) { s.Public = "/srv/a\x00b" }, "static folder: path has a line break or NUL"},
		{"relative folder for X-Sendfile", func(s *Site) { s.Sendfile = []string{"/srv/a", "storage"} }, "folder for X-Sendfile: path is not absolute"},
		{"line break in folder for X-Sendfile", func(s *Site) { s.Sendfile = []string{"/a\nb"} }, "folder for X-Sendfile: path has a line break"},
		{"no sockets", func(s *Site) { s.Sockets = nil }, "has no socket"},
		{"port of no host", func(s *Site) { s.Sockets[1] = ":9000" }, `use socket of slot 1: "" is neither an IP address nor the name of a host`},
		{"port 0", func(s *Site) { s.Sockets[1] = "10.0.0.1:0" }, `use socket of slot 1: "0" is no port from 1 to 65535`},
		{"port beyond the last", func(s *Site) { s.Sockets[1] = "10.0.0.1:65536" }, `use socket of slot 1: "65536" is no port`},
		{"port of an address with a zone", func(s *Site) { s.Sockets[1] = "[fe80::1%eth0]:9000" }, `"fe80::1%eth0" is neither`},
		{"port of a host with a quote", func(s *Site) { s.Sockets[1] = `a"b:9000` }, "is neither an IP address nor the name of a host"},
		{"port without brackets", func(s *Site) { s.Sockets[1] = "::1:9000" }, "use socket of slot 1: address ::1:9000: too many colons"},
		{"one port twice", func(s *Site) { s.Sockets = []string{"10.0.0.1:9000", "10.0.0.1:9000"} }, "socket of slot 1: slot 0 has the same"},
		{"relative socket", func(s *Site) { s.Sockets[1] = "log/s" }, "socket of slot 1: path is not absolute"},
		{"line break in socket", func(s *Site) { s.Sockets[2] = "/a\nb" }, "socket of slot 2: path has a line break"},
		{"socket ends with a backslash", func(s *Site) { s.Sockets[0] = `/a\` }, "socket of slot 0: path ends with a backslash"},
		{"long socket", func(s *Site) { s.Sockets[0] = "/" + strings.Repeat("s", 107) }, "path of 108 bytes, a unix socket address holds 107"},
		{"one socket twice", func(s *Site) { s.Sockets[2] = s.Sockets[0] }, "socket of slot 2: slot 0 has the same"},
		{"prefix without slash", func(s *Site) { s.Prefix = "shop" }, `mount application at "shop"`},
		{"prefix of a slash", func(s *Site) { s.Prefix = "/" }, `mount application at "/"`},
		{"prefix ends with a slash", func(s *Site) { s.Prefix = "/shop/" }, `mount application at "/shop/"`},
		{"prefix with a dot file", func(s *Site) { s.Prefix = "/.shop" }, "not a plain URL path"},
		{"prefix with a percent", func(s *Site) { s.Prefix = "/sh%6fp" }, "not a plain URL path"},
		{"prefix with a dollar", func(s *Site) { s.Prefix = "/shop$1" }, "not a plain URL path"},
		{"prefix with a line break", func(s *Site) { s.Prefix = "/shop\n" }, "not a plain URL path"},
	}
	for _, tt := range tests {
		for writer, write := range writers() {
			site := plainSite()
			tt.change(&site)
			text, err := write(site, DefaultVersion())
			if err == nil {
				t.Errorf("%s: %s accepts it", tt.name, writer)
				continue
			}
			if text != "" {
				t.Errorf("%s: %s returns text beside the error", tt.name, writer)
			}
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%s: %s says %q, want %q in it", tt.name, writer, err, tt.want)
			}
			if hintOf(err) == "" {
				t.Errorf("%s: %s gives no hint with %q", tt.name, writer, err)
			}
		}
	}
}

func TestServerIsRefused(t *testing.T) {
	tests := []struct {
		name   string
		server Server
		want   string
	}{
		{"no port", Server{}, "port 0"},
		{"negative port", Server{Port: -1}, "port -1"},
		{"high port", Server{Port: 65536}, "port 65536"},
		{"host name", Server{Port: 80, Address: "localhost"}, `address "localhost"`},
		{"zone", Server{Port: 80, Address: "fe80::1%eth0"}, `address "fe80::1%eth0"`},
		{"quote in address", Server{Port: 80, Address: `1.1.1.1"`}, "not an IP address"},
		{"relative pid file", Server{Port: 80, PIDFile: "x.pid"}, "pid file: path is not absolute"},
		{"pid file ends with a backslash", Server{Port: 80, PIDFile: `/x\`}, "pid file: path ends with a backslash"},
		{"piped error log", Server{Port: 80, ErrorLog: "| rm"}, "error log: path is not absolute"},
		{"line break in error log", Server{Port: 80, ErrorLog: "/a\nb"}, "error log: path has a line break"},
		{"relative upload folder", Server{Port: 80, UploadDir: "tmp"}, "upload folder: path is not absolute"},
	}
	for _, tt := range tests {
		text, err := Full(plainSite(), DefaultVersion(), tt.server)
		if err == nil || text != "" || !strings.Contains(err.Error(), tt.want) || hintOf(err) == "" {
			t.Errorf("%s: text %q, error %v, hint %q; want %q", tt.name, text, err, hintOf(err), tt.want)
		}
	}
}

func TestFindPublic(t *testing.T) {
	root := t.TempDir()
	public := filepath.Join(root, "public")
	if got := FindPublic(root); got != "" {
		t.Errorf("without the folder: %q", got)
	}
	if err := os.WriteFile(public, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := FindPublic(root); got != "" {
		t.Errorf("with a file of that name: %q", got)
	}
	if err := os.Remove(public); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(public, 0o700); err != nil {
		t.Fatal(err)
	}
	if got := FindPublic(root); got != public {
		t.Errorf("with the folder: %q, want %q", got, public)
	}
}
