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
	}}
}

// names are what HAProxy's configuration cannot have: it expands ${NAME} in addresses, whatever quotes stand around.
func names() webserver.Names {
	return webserver.Names{Server: "HAProxy", Socket: "$"}
}

const placement = `
Name this file beside the one that there is: haproxy -f haproxy.cfg -f THIS-FILE
(Debian: in EXTRAOPTS of /etc/default/haproxy), or append it. The frontend, which
is yours, leads to it with the line below. HAProxy's user needs to read and write
the sockets. With "chroot" in section global, as Debian has it, it looks for them
within that folder: take the line away, or have the sockets on ports.`

// Snippet returns the sections to be named beside an existing configuration.
func (s Server) Snippet(at webserver.Site, version webserver.Version) (webserver.Config, error) {
	if err := s.check(at, version); err != nil {
		return webserver.Config{}, err
	}
	w := new(webserver.Writer)
	w.Comment(at.Root + ", " + at.Workers() + ", for HAProxy " + version.String() + ".")
	w.Comment(placement)
	w.Comment("  " + site{at}.use())
	w.Line("")
	site{at}.write(w)
	return webserver.Part(w, func(prefix, text string) string {
		test := new(webserver.Writer)
		test.Line("%s", text)
		site{at}.writeFrontend(test, "unix@"+quote(prefix+".socket"))
		return test.String()
	}), nil
}

// Full returns a whole file.
func (s Server) Full(at webserver.Site, version webserver.Version, listener webserver.Listener) (webserver.Config, error) {
	if err := s.check(at, version); err != nil {
		return webserver.Config{}, err
	}
	if err := listener.Check(names()); err != nil {
		return webserver.Config{}, err
	}
	return webserver.Whole(listener, func(string) *webserver.Writer {
		w := new(webserver.Writer)
		w.Comment(at.Root + ", " + at.Workers() + ", for HAProxy " + version.String() + ".")
		w.Comment("Run it in the foreground with: haproxy -db -f THIS-FILE")
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
		return w
	}), nil
}

func (s Server) check(at webserver.Site, version webserver.Version) error {
	if err := s.Supports(version); err != nil {
		return err
	}
	return at.Check(names())
}
