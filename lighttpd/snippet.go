package lighttpd

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
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
	writeTitle(&w, site, version)
	w.comment(placement)
	if site.aliased() {
		w.comment(aliasOrder)
	}
	w.line("")
	site.write(&w, version)
	return w.text.String(), nil
}

// writeTitle writes what the configuration is for.
func writeTitle(w *writer, site Site, version Version) {
	w.comment(fmt.Sprintf("%s, %s, for lighttpd %s.", site.Root, workers(site), version))
	for _, warning := range Warnings(version) {
		w.comment("WARNING: " + warning)
	}
}

const placement = `
Debian and Ubuntu: save this in /etc/lighttpd/conf-enabled/ under a name that
ends in .conf. Elsewhere, add to lighttpd.conf: include "/path/of/this/file".
For one host alone, include or paste it in a block:
  $HTTP["host"] == "www.example.com" { include "/path/of/this/file" }
lighttpd's user needs to search the folders named here, to read the static
files, and to read and write the sockets. A module that is loaded already is
not loaded twice. Several applications of one host may stand in any order.
Rules of your own go before this as url.rewrite-repeat; with url.rewrite-once
lighttpd stops at yours, and their requests do not reach the application.`

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
	w.open("global")
	w.line("server.modules += ( %s )", strings.Join(s.modules(version), ", "))
	w.close()
	w.line("")
	s.openSite(w)
	s.writeStreaming(w, version)
	w.line("")
	if s.Public != "" {
		s.writeStatic(w)
		w.line("")
	}
	s.writeBackends(w, version)
	if version.AtLeast(unsetVersion()) {
		w.line("")
		writeHeaders(w)
	}
	w.close()
}

// modules are in an order in which they work.
func (s Site) modules(version Version) []string {
	modules := []string{`"mod_fastcgi"`}
	if version.AtLeast(unsetVersion()) {
		modules = append([]string{`"mod_setenv"`}, modules...)
	}
	if s.Public != "" {
		modules = append([]string{`"mod_rewrite"`, `"mod_expire"`}, modules...)
	}
	if s.aliased() {
		modules = append([]string{`"mod_alias"`}, modules...)
	}
	return modules
}

// writeStreaming chooses between responses that leave as they come and such
// that mod_deflate can compress: it takes only what is complete by the time it
// is asked, which is what lighttpd got in one piece (some 64 kB).
func (s Site) writeStreaming(w *writer, version Version) {
	if !s.Buffered {
		w.comment("Uploads are complete before a worker is bothered; responses leave as they come.")
		w.comment("mod_deflate leaves those above some 64 kB as they are: --buffer-responses.")
		w.set("server.stream-request-body", "0")
		w.set("server.stream-response-body", "1")
		return
	}
	w.comment("Uploads are complete before a worker is bothered, and responses before they leave,")
	w.comment("so that mod_deflate compresses those of every size.")
	w.set("server.stream-request-body", "0")
	w.set("server.stream-response-body", "0")
	if version.AtLeast(requestHeaderVersion()) {
		w.open(`$REQUEST_HEADER["Accept"] =~ "text/event-stream"`)
		w.set("server.stream-response-body", "1")
		w.close()
	}
}

// writeStatic writes what serves the files of the static folder and sends all
// other requests to the dispatcher.
//
// rewrite-if-not-file rather than error-handler-404, which loses the query;
// rather than fastcgi.server on "/", which leaves no request to static files.
// It is the only kind of rule here: another one in this block would replace the
// user's own.
func (s Site) writeStatic(w *writer) {
	w.comment("Regular files are served from here, and the index.html of a folder; all else goes to")
	w.comment("the application.")
	s.setFolder(w, quoteFolder(s.Public))
	s.writeRewrite(w)
	w.line("")
	w.comment("Names that begin with a dot are not looked for, except below /.well-known/.")
	prefix := "^" + regexp.QuoteMeta(s.Prefix)
	w.open(`$HTTP["url"] =~ ` + quote("(?s)"+prefix+`/\.(?!well-known/)|`+prefix+`/.*/\.`))
	s.setFolder(w, quoteFolder(nowhere))
	w.close()
	w.line("")
	w.comment("Only GET and HEAD ask for a file.")
	w.open(`$HTTP["request-method"] !~ "^(?:GET|HEAD)$"`)
	s.setFolder(w, quoteFolder(nowhere))
	w.close()
	w.line("")
	w.comment("Files with the digest of their content in their name may be kept for a year.")
	w.open(`$HTTP["url"] =~ ` + quote(prefix+fingerprinted))
	w.set("expire.url", `( "/" => "access plus 365 days" )`)
	w.close()
}

// nowhere is a folder that cannot have a file.
const nowhere = "/dev/null"

// fingerprinted matches what Sprockets, Propshaft, Webpacker and Vite write. A
// digest of 8 places has letters and digits: 20240131 is a date. Vite's is not
// hexadecimal, and in its folder all files have one.
const fingerprinted = `/(?:(?:assets|packs|vite)/.*[-.](?=[0-9]*[a-f])(?=[a-f]*[0-9])[0-9a-f]{8,128}` +
	`|vite/assets/.*[-.][0-9A-Za-z_-]{8})\.[^/]+$`

// setFolder has lighttpd look for files in a folder, quoted.
func (s Site) setFolder(w *writer, folder string) {
	if s.aliased() {
		w.set("alias.url", fmt.Sprintf("( %s => %s )", quote(s.Prefix+"/"), folder))
		return
	}
	w.set("server.document-root", folder)
}

// writeRewrite writes the rules that are followed while the path is no file:
// that of a folder becomes its index.html; if there is none, that and all else
// gets the dispatcher before it, in the place of the prefix.
//
// The rules match the path as the client sent it, where /shop may stand as
// /%73hop. Such a path keeps its prefix, so that it reaches the dispatcher in
// any case: left alone, a request for a dot file would be served as a file.
// The application's REQUEST_URI is what the client sent in either case.
func (s Site) writeRewrite(w *writer) {
	prefix := "^"
	if s.Prefix != "" {
		prefix += "(?:" + regexp.QuoteMeta(s.Prefix) + ")?"
	}
	target := quote(s.dispatcher() + "$1")
	w.line("url.rewrite-repeat-if-not-file = (")
	w.depth++
	w.line("%s => %s,", quote(prefix+`((?:[^?]*/)?)index\.html((?:\?.*)?)$`), quote(s.dispatcher()+"$1$2"))
	w.line("%s => %s,", quote(`^([^?]*/)((?:\?.*)?)$`), quote("$1index.html$2"))
	w.line("%s => %s,", quote(prefix+"(.*)$"), target)
	w.depth--
	w.line(")")
}

// sendfile are the folders for X-Sendfile, quoted. Where there are none, the
// answer is 403 and lighttpd logs why: without the option it would be an empty
// page.
func (s Site) sendfile() (folders []string) {
	for _, folder := range s.Sendfile {
		folders = append(folders, quoteFolder(folder))
	}
	if folders == nil {
		folders = []string{quoteFolder(nowhere)}
	}
	return folders
}

// writeBackends writes one backend for each socket.
//
// Left out on purpose: bin-path, which makes lighttpd unlink and own the
// sockets; read-timeout and write-timeout, because the launcher limits the
// time of requests and a slow one must not disable its backend; connect-timeout
// of a unix socket, because connecting to that succeeds or fails at once;
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
	w.comment("Files that the application names with X-Sendfile are sent from these folders alone.")
	w.set("var.launcher_sendfile", "( "+strings.Join(s.sendfile(), ", ")+" )")
	if version.AtLeast(unsetVersion()) {
		// Has the launcher give names as lighttpd compares and reads them.
		w.line(`setenv.set-environment += ( "LAUNCHER_SENDFILE" => "resolved" )`)
	}
	options += `, "x-sendfile" => "enable", "x-sendfile-docroot" => var.launcher_sendfile`
	if version.AtLeast(balanceVersion()) {
		w.comment("A worker serves one request at a time: ask the one with the fewest.")
		w.set("fastcgi.balance", `"least-connection"`)
	}
	w.line("fastcgi.server = ( %s => (", quote(key))
	w.depth++
	for slot, socket := range s.Sockets {
		w.line(`"w%d" => ( %s, %s ),`, slot, backend(socket, version), options)
	}
	w.depth--
	w.line(") )")
}
