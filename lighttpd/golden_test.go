package lighttpd

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files in testdata anew")

func TestGolden(t *testing.T) {
	odd := Site{
		Root:    `/srv/my "shop"/50% $off\now`,
		Public:  `/srv/my "shop"/50% $off\now/public`,
		Sockets: []string{`/srv/my "shop"/50% $off\now/log/fastcgi.socket-0`, `/srv/Läden/日本/fastcgi.socket-1`},
	}
	one := Site{Root: "/srv/shop", Sockets: []string{"/srv/shop/log/fastcgi.socket-0"}}
	below := plainSite()
	below.Prefix = "/shop/v1.2"
	oneBelow := one
	oneBelow.Prefix = "/shop"
	sending := plainSite()
	sending.Sendfile, sending.Buffered = []string{"/srv/shop/storage", `/srv/"quoted" files\`}, true
	ports := one
	ports.Sockets = []string{"10.0.0.1:9000", "[fd00::2]:9000", "localhost:9002", "/srv/shop/log/fastcgi.socket-0"}
	foreground := Server{
		Address:   "::1",
		Port:      8080,
		PIDFile:   "/srv/shop/tmp/lighttpd.pid",
		ErrorLog:  "/srv/shop/log/lighttpd.log",
		UploadDir: "/srv/shop/tmp",
	}
	snippet := func(site Site, version Version) func() (string, error) {
		return func() (string, error) { return Snippet(site, version) }
	}
	full := func(site Site, version Version, server Server) func() (string, error) {
		return func() (string, error) { return Full(site, version, server) }
	}
	pass := func(p Pass) func() (string, error) {
		return func() (string, error) { return p.Config(Version{1, 4, 69}) }
	}
	sockets := []string{"/run/measured/fastcgi.socket-0", "/run/measured/fastcgi.socket-1"}
	goldens := map[string]func() (string, error){
		"snippet-1.4.40":           snippet(plainSite(), OldestVersion()),
		"snippet-1.4.50":           snippet(plainSite(), Version{1, 4, 50}),
		"snippet-1.4.69":           snippet(plainSite(), Version{1, 4, 69}),
		"snippet-1.4.84":           snippet(plainSite(), Version{1, 4, 84}),
		"snippet-1.4.85":           snippet(plainSite(), Version{1, 4, 85}),
		"snippet-odd-paths":        snippet(odd, DefaultVersion()),
		"snippet-prefix":           snippet(below, DefaultVersion()),
		"snippet-no-public":        snippet(one, DefaultVersion()),
		"snippet-prefix-no-public": snippet(oneBelow, DefaultVersion()),
		"snippet-ports":            snippet(ports, DefaultVersion()),
		"snippet-ports-1.4.69":     snippet(ports, Version{1, 4, 69}),
		"snippet-sendfile-1.4.40":  snippet(sending, OldestVersion()),
		"snippet-sendfile-1.4.85":  snippet(sending, Version{1, 4, 85}),
		"full-1.4.40":              full(plainSite(), OldestVersion(), Server{Port: 3000}),
		"full-1.4.69":              full(plainSite(), Version{1, 4, 69}, foreground),
		"full-prefix":              full(below, DefaultVersion(), Server{Address: "0.0.0.0", Port: 3000}),
		"full-odd-paths":           full(odd, DefaultVersion(), Server{Port: 3000, ErrorLog: `/var/log/"quoted" log`, UploadDir: `/ends with\`}),
		"pass-fastcgi":             pass(Pass{Server: Server{Port: 3000, UploadDir: "/run/measured"}, FastCGI: true, Sockets: sockets}),
		"pass-http":                pass(Pass{Server: Server{Port: 3000}, Sockets: []string{`/run/odd "name"/50%/server.sock`}}),
	}
	for name, write := range goldens {
		t.Run(name, func(t *testing.T) {
			got, err := write()
			if err != nil {
				t.Fatal(err)
			}
			file := filepath.Join("testdata", name+".conf")
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatalf("%v; write it with: go test ./lighttpd -run TestGolden -update", err)
			}
			if got != string(want) {
				t.Errorf("differs from %s; got:\n%s", file, got)
			}
			if err := Check(t.Context(), requireLighttpd(t), got); err != nil {
				t.Error(err)
			}
		})
	}
	files, err := filepath.Glob("testdata/*.conf")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if goldens[strings.TrimSuffix(filepath.Base(file), ".conf")] == nil {
			t.Errorf("%s: no test compares it", file)
		}
	}
}
