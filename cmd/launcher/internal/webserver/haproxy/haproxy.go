package haproxy

import (
	"regexp"

	"launcher/cmd/launcher/internal/webserver"
)

// Server writes HAProxy's configuration.
type Server struct{ webserver.Program }

// New returns what writes HAProxy's configuration.
func New() webserver.Server {
	return Server{webserver.Program{
		Name: "HAProxy", Package: "haproxy", Commands: []string{"haproxy"},
		Version: []string{"-v"}, Printed: regexp.MustCompile(`(?i)^HA-?Proxy version ([0-9.]+)`),
		Test:   []string{"-c", "-f"},
		Oldest: webserver.Version{Major: 2, Minor: 2}, Default: webserver.Version{Major: 2, Minor: 2},
		// It expands ${NAME} in addresses, whatever quotes stand around.
		Names: webserver.Names{Socket: "$"},
	}}
}

const placement = `
Name this file beside the one that there is: haproxy -f haproxy.cfg -f THIS-FILE
(Debian: in EXTRAOPTS of /etc/default/haproxy), or append it. The frontend, which
is yours, leads to it with the line below. HAProxy's user needs to read and write
the sockets. With "chroot" in section global, as Debian has it, it looks for them
within that folder: take the line away, or have the sockets on ports.`

// Snippet returns the sections to be named beside an existing configuration.
func (s Server) Snippet(at webserver.Site, version webserver.Version) (webserver.Config, error) {
	return s.Part(at, version, placement+"\n  "+site{at}.use(), site{at}.write, func(test *webserver.Writer, prefix, text string) {
		test.Line("%s", text)
		site{at}.writeFrontend(test, "unix@"+quote(prefix+".socket"))
	})
}

// Full returns a whole file.
func (s Server) Full(at webserver.Site, version webserver.Version, listener webserver.Listener) (webserver.Config, error) {
	return s.Whole(at, version, listener, "haproxy -db -f THIS-FILE", func(w *webserver.Writer, _ string) {
		w.Line("")
		w.Block("global", "", func() {
			w.Comment("Heads of requests and of responses have to fit into a buffer.")
			w.Line("tune.bufsize 65536")
			w.Line("log stderr format raw local0 notice")
		})
		w.Line("")
		site{at}.writeFrontend(w, listener.HostPort())
		w.Line("")
		site{at}.write(w)
	})
}
