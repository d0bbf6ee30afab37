package haproxy

import (
	"regexp"
	"strings"

	"launcher/cmd/launcher/internal/webserver"
)

// site is what is written for an application.
type site struct{ webserver.Site }

var plain = regexp.MustCompile(`^[A-Za-z0-9_./:@-]+$`)

// quote writes a word. Between single quotes nothing has a meaning but their end.
func quote(text string) string {
	if plain.MatchString(text) {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

// inside is the condition of the site's paths: decoded, since a client may write /shop in other ways.
func (s site) inside() string {
	return "{ path,url_dec -m reg " + quote("^"+s.Pattern()+"(/|$)") + " }"
}

// use is the line of a frontend that leads to the site.
func (s site) use() string {
	if s.Prefix == "" {
		return "default_backend " + s.Name()
	}
	return "use_backend " + s.Name() + " if " + s.inside()
}

// write writes the application and the servers that are its workers.
func (s site) write(w *webserver.Writer) {
	if s.Public != "" {
		w.Warn("HAProxy serves no files: have the application serve its static files\n" +
			"(RAILS_SERVE_STATIC_FILES=1), or another web server.")
		w.Line("")
	}
	s.writeApplication(w)
	w.Line("")
	s.writeBackend(w)
}

// writeApplication writes how a request is told. The path goes into REQUEST_URI as the client wrote it, from which the
// workers take what they need.
func (s site) writeApplication(w *webserver.Writer) {
	root := s.Public
	if root == "" {
		root = webserver.NoFolder
	}
	w.Block("fcgi-app "+s.Name(), "", func() {
		w.Line("docroot %s", quote(root))
		w.Comment("Connections to workers are not kept: nothing is gained by it.")
		w.Lines("no option keep-conn", "no option mpxs-conns")
		w.Comment("HAProxy keeps it to itself otherwise.")
		w.Line("pass-header Authorization")
	})
}

// checked has HAProxy pass over a port that refuses, from the first time on, and connect to it once a second to see
// whether it is back: its host may be gone as a whole.
const checked = " check inter 1s fall 1 rise 1 observe layer4 error-limit 1 on-error mark-down"

// writeBackend writes the workers.
//
// Where the time in the queue is not set it is that of connecting, and whoever waits longer gets a 503. A connection that
// fails at once (a socket that is gone) is tried with another worker; a worker that dies is a 502.
func (s site) writeBackend(w *webserver.Writer) {
	w.Block("backend "+s.Name(), "", func() {
		w.Lines("mode http", "balance leastconn")
		w.Comment("The launcher, and the application, tell from it how long a request has waited for a worker.")
		w.Line("http-request set-header X-Request-Start t=%[date(0,us)]")
		w.Comment("A connection that fails is tried with another worker, a request that one has got never.")
		w.Lines("retries 3", "option redispatch 1")
		w.Comment("A stream leaves as it comes.")
		w.Line("option http-no-delay")
		w.Comment("How long a request may take, and wait, is the launcher's and the client's affair.")
		w.Lines("timeout connect 5s", "timeout queue 1d", "timeout server 1d")
		w.Comment("HAProxy sends no files for an application, and would send an empty page.")
		for _, name := range []string{"x-sendfile", "x-accel-redirect"} {
			w.Line("http-response deny deny_status 500 if { res.hdr(%s) -m found }", name)
		}
		w.Line("use-fcgi-app %s", s.Name())
		w.Comment("A worker serves one request at a time; the others wait for whichever is free first.")
		for slot, address := range s.Backends {
			where := address.HostPort() + checked
			if address.Socket != "" {
				where = "unix@" + quote(address.Socket)
			}
			w.Line("server w%d %s proto fcgi maxconn 1", slot, where)
		}
	})
}

// writeFrontend writes a frontend of the site's own.
func (s site) writeFrontend(w *webserver.Writer, bind string) {
	w.Block("frontend "+s.Name(), "", func() {
		w.Line("bind %s", bind)
		w.Lines("mode http", "timeout client 1m", "timeout http-request 1m", "timeout http-keep-alive 10s")
		if s.Prefix != "" {
			w.Line("http-request return status 404 unless %s", s.inside())
		}
		w.Line("default_backend %s", s.Name())
	})
}
