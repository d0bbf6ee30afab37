package lighttpd

import (
	"fmt"
	"regexp"
	"strconv"
)

// Snippet returns configuration to include into, or paste into, an existing
// lighttpd.conf: at its top level or inside a $HTTP["host"] block.
//
// Two properties make both places work. All but the modules stands in a
// condition, because an option may be set once in a scope, and the files of
// distributions set server.document-root at the top level. The modules are
// added in a global block, which is allowed inside conditions, where a plain
// server.modules would be ignored.
func Snippet(site Site, version Version) (string, error) {
	if err := version.supported(); err != nil {
		return "", err
	}
	if err := site.validate(); err != nil {
		return "", err
	}
	var w writer
	w.comment(fmt.Sprintf("%s, %s, for lighttpd %s.", site.Root, workers(site), version))
	w.comment(placement)
	if site.aliased() {
		w.comment(aliasOrder)
	}
	w.line("")
	site.write(&w, version)
	return w.text.String(), nil
}

const placement = `
Debian and Ubuntu: save this in /etc/lighttpd/conf-enabled/ under a name that
ends in .conf. Elsewhere, add to lighttpd.conf: include "/path/of/this/file".
For one host alone, include or paste it in a block:
  $HTTP["host"] == "www.example.com" { include "/path/of/this/file" }
lighttpd's user needs to search the folders named here, to read the static
files, and to read and write the sockets. A module that is loaded already is
not loaded twice.`

const aliasOrder = `If server.modules names mod_rewrite elsewhere, it must name mod_alias before
it, or the static files are not found and their requests go to the application.`

func workers(site Site) string {
	if len(site.Sockets) == 1 {
		return "1 worker"
	}
	return strconv.Itoa(len(site.Sockets)) + " workers"
}

// aliased reports whether static files need mod_alias: below a prefix the
// URL path and the path in the static folder differ.
func (s Site) aliased() bool { return s.Public != "" && s.Prefix != "" }

// dispatcher is the URL path that requests for the application are rewritten
// to, and the only one that leads to FastCGI where static files come first.
// It lies below the prefix so that the conditions on the prefix hold for it.
func (s Site) dispatcher() string { return s.Prefix + "/dispatch.fcgi" }

// write writes the site without the comments on where to put it.
func (s Site) write(w *writer, version Version) {
	modules := `( "mod_fastcgi" )`
	switch {
	case s.aliased():
		modules = `( "mod_alias", "mod_rewrite", "mod_fastcgi" )`
	case s.Public != "":
		modules = `( "mod_rewrite", "mod_fastcgi" )`
	}
	w.open("global")
	w.line("server.modules += %s", modules)
	w.close()
	w.line("")
	w.open(s.condition())
	w.comment("Uploads are complete before a worker is bothered; responses leave as they come.")
	w.set("server.stream-request-body", "0")
	w.set("server.stream-response-body", "1")
	w.line("")
	if s.Public != "" {
		s.writeStatic(w)
		w.line("")
	}
	s.writeBackends(w, version)
	w.close()
}

// condition is the block that holds for every URL path of the site, also in
// its rewritten form. The condition sees the path decoded and simplified.
func (s Site) condition() string {
	if s.Prefix == "" {
		return `$HTTP["url"] =~ "^/"`
	}
	return `$HTTP["url"] =~ ` + quote("^"+regexp.QuoteMeta(s.Prefix)+"(?:/|$)")
}

// writeStatic writes what serves the files of the static folder and sends all
// other requests to the dispatcher.
//
// rewrite-if-not-file rather than error-handler-404, which loses the query;
// rather than fastcgi.server on "/", which leaves no request to static files.
func (s Site) writeStatic(w *writer) {
	w.comment("Regular files are served from here, all else goes to the application.")
	if s.aliased() {
		w.set("alias.url", fmt.Sprintf("( %s => %s )", quote(s.Prefix+"/"), quoteFolder(s.Public)))
	} else {
		w.set("server.document-root", quoteFolder(s.Public))
	}
	w.set("url.rewrite-if-not-file", s.rewrite())
	w.line("")
	w.comment("Names that begin with a dot are not looked for, except below /.well-known/.")
	prefix := "^" + regexp.QuoteMeta(s.Prefix)
	w.open(`$HTTP["url"] =~ ` + quote("(?s)"+prefix+`/\.(?!well-known/)|`+prefix+`/.*/\.`))
	w.set("url.rewrite-once", s.rewrite())
	w.close()
	w.line("")
	w.comment("Only GET and HEAD ask for a file.")
	w.open(`$HTTP["request-method"] !~ "^(?:GET|HEAD)$"`)
	w.set("url.rewrite-once", s.rewrite())
	w.close()
}

// rewrite returns the rule that puts the dispatcher before a URL path, in the
// place of the prefix.
//
// The rule matches the path as the client sent it, where /shop may stand as
// /%73hop. Such a path keeps its prefix, so that it reaches the dispatcher in
// any case: left alone, a request for a dot file would be served as a file.
// The application's REQUEST_URI is what the client sent in either case.
func (s Site) rewrite() string {
	pattern := "^(.*)$"
	if s.Prefix != "" {
		pattern = "^(?:" + regexp.QuoteMeta(s.Prefix) + ")?(.*)$"
	}
	return fmt.Sprintf("( %s => %s )", quote(pattern), quote(s.dispatcher()+"$1"))
}

// writeBackends writes one backend for each socket.
//
// Left out on purpose: bin-path, which makes lighttpd unlink and own the
// sockets; read-timeout and write-timeout, because the launcher limits the
// time of requests and a slow one must not disable its backend; connect-timeout
// (1.4.60), because connecting to a unix socket succeeds or fails at once;
// upgrade (1.4.74), because FastCGI workers speak no WebSocket.
func (s Site) writeBackends(w *writer, version Version) {
	key, options := s.dispatcher(), `"check-local" => "disable"`
	if s.Public == "" {
		key = s.Prefix
	}
	if key == "" {
		// Without fix-root-scriptname the first segment of the path
		// becomes SCRIPT_NAME.
		key, options = "/", options+`, "fix-root-scriptname" => "enable"`
	}
	if version.AtLeast(balanceVersion()) {
		w.comment("A worker serves one request at a time: ask the one with the fewest.")
		w.set("fastcgi.balance", `"least-connection"`)
	}
	w.line("fastcgi.server = ( %s => (", quote(key))
	w.depth++
	for slot, socket := range s.Sockets {
		w.line(`"w%d" => ( "socket" => %s, %s ),`, slot, quote(socket), options)
	}
	w.depth--
	w.line(") )")
}
