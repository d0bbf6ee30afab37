package webservertest

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"launcher/cmd/launcher/internal/webserver"
)

var update = flag.Bool("update", false, "write the golden files in testdata anew")

// Plain is a site that nothing is wrong with.
func Plain() webserver.Site {
	return webserver.Site{
		Root: "/srv/shop", Public: "/srv/shop/public", Sendfile: []string{"/srv/shop/storage", "/srv/shop/tmp"},
		Backends: []webserver.Address{{Socket: "/srv/shop/log/fastcgi.socket-0"}, {Socket: "/srv/shop/log/fastcgi.socket-1"}},
	}
}

// Ports is a site whose workers listen at ports of other hosts, and one at a socket.
func Ports() webserver.Site {
	return webserver.Site{Root: "/srv/shop/current", Backends: []webserver.Address{{Host: "127.0.0.1", Port: 9000}, {Host: "::1", Port: 9001},
		{Host: "localhost", Port: 9002}, {Socket: "/run/shop/fastcgi.socket-3"}}}
}

// Golden is a file of testdata, and what is written into it.
type Golden struct {
	Name string
	At   webserver.Site
	// Version is the one that it is written for. A web server that is as new accepts it.
	Version  webserver.Version
	Listener webserver.Listener // where there is a port, it is a whole file
}

// Goldens are those of every web server.
func Goldens(server webserver.Server, oldest webserver.Version) []Golden {
	version := server.DefaultVersion()
	below, bare := Plain(), Plain()
	below.Prefix, bare.Public, bare.Sendfile = "/shop/v1.2", "", nil
	ports := Ports()
	ports.Prefix = "/shop"
	return []Golden{
		{Name: "snippet", At: Plain(), Version: version},
		{Name: "snippet-oldest", At: Plain(), Version: oldest},
		{Name: "snippet-prefix", At: below, Version: version},
		{Name: "snippet-no-public", At: bare, Version: version},
		{Name: "snippet-ports", At: Ports(), Version: version},
		{Name: "full", At: Plain(), Version: version, Listener: webserver.Listener{Port: 8080, Temp: "/tmp"}},
		{Name: "full-prefix", At: ports, Version: version, Listener: webserver.Listener{Address: "::1", Port: 8080, Temp: "/tmp", Root: true}},
	}
}

// TestGoldens compares each golden file with what is written, and has the web server accept it. Each file of testdata
// is compared.
func TestGoldens(t *testing.T, server webserver.Server, goldens []Golden) {
	installed, err := server.Find(t.Context(), "")
	if err != nil {
		t.Fatalf("%v: run make test-deps", err)
	}
	compared := map[string]bool{}
	for _, golden := range goldens {
		compared[golden.Name] = true
		t.Run(golden.Name, func(t *testing.T) {
			t.Parallel()
			golden.compare(t, server, installed)
		})
	}
	files, err := filepath.Glob("testdata/*.conf")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if !compared[strings.TrimSuffix(filepath.Base(file), ".conf")] {
			t.Errorf("%s: no test compares it", file)
		}
	}
}

func (g Golden) compare(t *testing.T, server webserver.Server, installed webserver.Version) {
	var config webserver.Config
	var err error
	if g.Listener.Port > 0 {
		config, err = server.Full(g.At, g.Version, g.Listener)
	} else {
		config, err = server.Snippet(g.At, g.Version)
	}
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join("testdata", g.Name+".conf")
	if *update {
		if err := os.WriteFile(file, []byte(config.Text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v; write it with: go test . -run TestGoldens -update", err)
	}
	if config.Text != string(want) {
		t.Errorf("differs from %s; got:\n%s", file, config.Text)
	}
	for _, warning := range config.Warnings {
		if words := strings.Fields(warning); !strings.Contains(config.Text, words[0]+" "+words[1]) {
			t.Errorf("a warning does not stand in the text: %s", warning)
		}
	}
	if !installed.AtLeast(g.Version) {
		return
	}
	if err := server.Check(t.Context(), "", config); err != nil {
		t.Error(err)
	}
}
