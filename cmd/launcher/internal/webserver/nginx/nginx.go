package nginx

import (
	"regexp"
	"strings"

	"launcher/cmd/launcher/internal/webserver"
)

// Server writes nginx's configuration.
type Server struct{ webserver.Program }

// New returns what writes nginx's configuration.
func New() webserver.Server {
	return Server{webserver.Program{
		Name: "nginx", Package: "nginx", Commands: []string{"nginx"},
		Version: []string{"-v"}, Printed: regexp.MustCompile(`nginx/([0-9.]+)`),
		Test:   []string{"-t", "-q", "-c"},
		Oldest: webserver.Version{Major: 1, Minor: 14}, Default: webserver.Version{Major: 1, Minor: 18},
		// $ begins a variable, and there is no other way to write one.
		Names: webserver.Names{Folder: "$"},
	}}
}

// quote writes a string. In one within quotes a backslash is itself, but before a quote, a backslash, t, r and n.
func quote(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `"`
}

// keptVersion is the first release that keeps connections to workers unless it is told not to.
func keptVersion() webserver.Version { return webserver.Version{Major: 1, Minor: 29, Patch: 7} }

const placement = `
Include it in nginx's block http: Debian and Ubuntu do so with what lies in
/etc/nginx/conf.d/ (NAME.conf) and /etc/nginx/sites-enabled/. server_name and
listen are yours to change, and TLS belongs there. Where the host has a block
server of its own, the locations go there, and upstream and map stay outside.
nginx's user needs to search the folders named here, to read the static files,
and to read and write the sockets.`

// Snippet returns what is to be included in the block http.
func (s Server) Snippet(at webserver.Site, version webserver.Version) (webserver.Config, error) {
	if err := checkMapping(at); err != nil {
		return webserver.Config{}, err
	}
	return s.Part(at, version, placement, func(w *webserver.Writer) {
		site{at, version}.write(w, func() {
			w.Lines("listen 80;", "server_name www.example.com;")
		})
	}, func(test *webserver.Writer, prefix, text string) {
		writeMain(test, prefix, false)
		// A port below 1024 cannot be tried by a user without privileges.
		text = strings.Replace(text, "listen 80;", "listen "+quote("unix:"+prefix+".socket")+";", 1)
		test.Block("http {", "}", func() {
			writeFolders(test, prefix)
			test.Line("%s", text)
		})
	})
}

// Full returns a whole file.
func (s Server) Full(at webserver.Site, version webserver.Version, listener webserver.Listener) (webserver.Config, error) {
	if err := checkMapping(at); err != nil {
		return webserver.Config{}, err
	}
	return s.Whole(at, version, listener, "nginx -c /path/of/this/file", func(w *webserver.Writer, prefix string) {
		w.Line("")
		w.Line("daemon off;")
		writeMain(w, prefix, listener.Root)
		w.Line("")
		w.Block("http {", "}", func() {
			writeFolders(w, prefix)
			w.Lines("access_log off;", "sendfile on;", "server_tokens off;")
			writeTypes(w)
			w.Line("")
			site{at, version}.write(w, func() {
				w.Line("listen %s;", listener.HostPort())
				w.Line("server_name _;")
				if at.Prefix != "" {
					w.Block("location / {", "}", func() { w.Line("return 404;") })
				}
			})
		})
	})
}

// writeMain writes what stands outside of blocks.
func writeMain(w *webserver.Writer, prefix string, root bool) {
	if root {
		w.Comment("As the launcher, or it could not use the sockets. It is ignored for other users.")
		w.Line("user root;")
	}
	w.Line("pid %s;", quote(prefix+".pid"))
	w.Lines("error_log stderr;", "events { }")
}

// writeFolders names the folders that nginx makes at start, none of which may be one of root's.
func writeFolders(w *webserver.Writer, prefix string) {
	for _, what := range []string{"client_body", "fastcgi", "proxy", "scgi", "uwsgi"} {
		w.Line("%s_temp_path %s;", what, quote(prefix+"-"+what))
	}
}

func writeTypes(w *webserver.Writer) {
	w.Block("types {", "}", func() {
		for _, t := range webserver.MediaTypes() {
			w.Line("%s %s;", t.Name, t.Endings)
		}
	})
	w.Line("default_type application/octet-stream;")
}
