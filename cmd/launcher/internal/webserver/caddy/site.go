package caddy

import (
	"fmt"
	"regexp"
	"strings"

	"launcher/cmd/launcher/internal/webserver"
)

// site is what is written for an application.
type site struct{ webserver.Site }

// write writes the site, as it stands in the block of a host.
func (s site) write(w *webserver.Writer) {
	head := "handle {"
	if s.Prefix != "" {
		head = "handle @" + s.Name() + " {"
		w.Line("@%s path %s %s/*", s.Name(), s.Prefix, s.Prefix)
	}
	w.Block(head, "}", func() {
		if s.Prefix != "" {
			w.Comment("The application is told the path as the client wrote it.")
			w.Line("uri strip_prefix %s", s.Prefix)
		}
		if s.Public != "" {
			s.writeFiles(w)
		}
		w.Block("handle {", "}", func() { s.writeProxy(w) })
	})
}

// visible matches paths without a name that begins with a dot, except for /.well-known.
const visible = `^(?:/\.well-known)?(?:/(?:[^./][^/]*)?)*$`

// What webserver.Fingerprinted matches, for patterns that cannot look ahead.
const (
	digest   = `^/(?:assets|packs|vite)/.*[-.][0-9a-f]{8,128}\.[^/]+$`
	noDigest = `[-.](?:[0-9]{8,128}|[a-f]{8,128})\.[^/]+$`
	vite     = `^/vite/assets/.*[-.][0-9A-Za-z_-]{8}\.[^/]+$`
)

// writeFiles writes what serves the static files.
func (s site) writeFiles(w *webserver.Writer) {
	w.Comment("GET and HEAD ask for a file, or a folder's index.html; a name that begins with a dot is not looked")
	w.Comment("for, except below /.well-known/.")
	for _, kind := range []struct{ name, path, try string }{{"file", "not path */", "{path}"}, {"index", "path */", "{path}index.html"}} {
		w.Block("@"+kind.name+" {", "}", func() {
			w.Line("method GET HEAD")
			w.Line("path_regexp %s", quote(visible))
			w.Line("%s", kind.path)
			w.Block("file {", "}", func() {
				w.Line("root %s", quote(s.Public))
				w.Line("try_files %s", kind.try)
			})
		})
		w.Block("handle @"+kind.name+" {", "}", func() {
			if kind.name == "file" {
				s.writeExpires(w)
			}
			w.Block("file_server {", "}", func() { w.Line("root %s", quote(s.Public)) })
		})
	}
}

func (s site) writeExpires(w *webserver.Writer) {
	w.Comment("Files with the digest of their content in their name may be kept for a year.")
	w.Block("@digest {", "}", func() {
		w.Line("path_regexp %s", quote(digest))
		w.Line("not path_regexp %s", quote(noDigest))
	})
	w.Line("@vite path_regexp %s", quote(vite))
	for _, matcher := range []string{"@digest", "@vite"} {
		w.Line("header %s Cache-Control max-age=%d", matcher, webserver.Year)
	}
}

// writeProxy writes the workers.
//
// Caddy's own failure to connect counts to it as one of the worker, so a GET is sent once more in either case, and other
// requests never are.
func (s site) writeProxy(w *webserver.Writer) {
	w.Block("reverse_proxy {", "}", func() {
		for _, address := range s.Backends {
			where := address.HostPort()
			if address.Socket != "" {
				where = "unix/" + address.Socket
			}
			w.Line("to %s", quote(where))
		}
		w.Comment("A worker serves one request at a time: the one with the fewest is asked. A GET whose worker has")
		w.Comment("died, or cannot be reached, is sent once more.")
		w.Line("lb_policy least_conn")
		if s.Ports() {
			w.Comment("A port that has failed is passed over for a second: its host may be gone.")
			w.Lines("lb_retries 3", "fail_duration 1s")
		} else {
			w.Line("lb_retries 1")
		}
		w.Comment("A stream leaves as it comes.")
		w.Line("flush_interval -1")
		w.Comment("X_Forwarded_For and X-Forwarded-For are one name to an application.")
		w.Line("header_up -*_*")
		w.Comment("The launcher, and the application, tell from it how long a request has waited for a worker.")
		w.Line("header_up X-Request-Start t={time.now.unix_ms}")
		w.Block("transport fastcgi {", "}", func() {
			if s.Public != "" {
				w.Line("root %s", quote(s.Public))
			} else {
				w.Line("root %s", webserver.NoFolder)
			}
		})
		s.writeSendfile(w)
	})
}

// writeSendfile writes the folders of the files that the application names with X-Sendfile. Without any the response is
// an error: it would be an empty page.
func (s site) writeSendfile(w *webserver.Writer) {
	w.Comment("Files that the application names with X-Sendfile are sent from these folders alone.")
	w.Line("@sendfile header X-Sendfile *")
	w.Block("handle_response @sendfile {", "}", func() {
		w.Line("rewrite * {http.reverse_proxy.header.X-Sendfile}")
		for i, folder := range s.Sendfile {
			folder = strings.TrimRight(folder, "/")
			w.Line("@folder%d path_regexp %s", i, quote("^"+regexp.QuoteMeta(folder)+"/"))
			w.Block(fmt.Sprintf("handle @folder%d {", i), "}", func() {
				w.Line("uri strip_prefix %s", quote(folder))
				w.Block("copy_response_headers {", "}", func() { w.Line("exclude X-Sendfile Content-Length") })
				w.Block("file_server {", "}", func() { w.Line("root %s", quote(folder)) })
			})
		}
		w.Block("handle {", "}", func() { w.Line("respond 403") })
	})
}
