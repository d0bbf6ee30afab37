package caddy

import (
	"fmt"
	"regexp"

	"launcher/cmd/launcher/internal/webserver"
)

// Server writes Caddy's configuration.
type Server struct{ webserver.Program }

// New returns what writes Caddy's configuration.
func New() webserver.Server {
	return Server{webserver.Program{
		Name: "Caddy", Package: "caddy", Commands: []string{"caddy"},
		Version: []string{"version"}, Printed: regexp.MustCompile(`^v?([0-9]+\.[0-9.]+)`),
		Test:   []string{"validate", "--adapter", "caddyfile", "--config"},
		Oldest: webserver.Version{Major: 2, Minor: 6}, Default: webserver.Version{Major: 2, Minor: 6, Patch: 2},
		// Braces are placeholders wherever they stand, and nothing has a meaning within backquotes but their end.
		Names: webserver.Names{Folder: "{}`", Socket: "{}`"}, Indent: "\t",
	}}
}

var plain = regexp.MustCompile(`^[A-Za-z0-9_./:@-]+$`)

// quote writes a word.
func quote(text string) string {
	if plain.MatchString(text) {
		return text
	}
	return "`" + text + "`"
}

const placement = `
Import it in the block of the site: www.example.com { import /path/of/this/file }
Caddy's user needs to search the folders named here, to read the static files,
and to read and write the sockets. Several applications may stand in any order.`

// Snippet returns what is to be imported in the block of a site.
func (s Server) Snippet(at webserver.Site, version webserver.Version) (webserver.Config, error) {
	return s.Part(at, version, placement, site{at}.write, func(test *webserver.Writer, _, text string) {
		writeGlobal(test, version)
		test.Block("http://:8080 {", "}", func() { test.Line("%s", text) })
	})
}

// Full returns a whole file.
func (s Server) Full(at webserver.Site, version webserver.Version, listener webserver.Listener) (webserver.Config, error) {
	return s.Whole(at, version, listener, "caddy run --adapter caddyfile --config THIS-FILE", func(w *webserver.Writer, _ string) {
		writeGlobal(w, version)
		w.Line("")
		w.Block(fmt.Sprintf("http://:%d {", listener.Port), "}", func() {
			w.Line("bind %s", listener.IP())
			site{at}.write(w)
			if at.Prefix != "" {
				w.Block("handle {", "}", func() { w.Line("respond 404") })
			}
		})
	})
}

// writeGlobal writes the options of the process: it answers nobody about itself, and gets no certificate.
func writeGlobal(w *webserver.Writer, version webserver.Version) {
	w.Block("{", "}", func() {
		w.Lines("admin off", "auto_https off")
		if version.AtLeast(webserver.Version{Major: 2, Minor: 7}) {
			w.Line("persist_config off")
		}
	})
}
