package apache

import (
	"regexp"
	"strings"

	"launcher/cmd/launcher/internal/webserver"
)

// Server writes Apache's configuration.
type Server struct{ webserver.Program }

// New returns what writes Apache's configuration.
func New() webserver.Server {
	return Server{webserver.Program{
		Name: "Apache", Package: "apache2", Commands: []string{"apache2", "httpd"},
		Version: []string{"-v"}, Printed: regexp.MustCompile(`Apache/([0-9.]+)`),
		Test:   []string{"-t", "-T", "-f"}, // the static folder may be another machine's
		Oldest: webserver.Version{Major: 2, Minor: 4, Patch: 34}, Default: webserver.Version{Major: 2, Minor: 4, Patch: 41},
		// *, ? and [ are patterns in the names of folders, $ may begin the name of a variable, and the socket of a
		// worker is read as a URL, up to a bar.
		Names: webserver.Names{Folder: `*?[]\$`, Socket: `*?[]\$|#%"`},
	}}
}

// quote writes an argument.
func quote(text string) string { return `"` + strings.ReplaceAll(text, `"`, `\"`) + `"` }

// modules are what the site needs, by the names that a2enmod knows.
func modules() []string {
	return []string{"proxy", "proxy_fcgi", "proxy_balancer", "slotmem_shm", "lbmethod_bybusyness", "rewrite", "alias", "headers", "dir"}
}

const placement = `
Include it in the <VirtualHost> of the site: Include "/path/of/this/file"
Apache's user needs to search the folders named here, to read the static files,
and to read and write the sockets. Of several applications of one host that with
the longer prefix stands first. These modules have to be loaded (a2enmod):`

// Snippet returns what is to be included in a virtual host.
func (s Server) Snippet(at webserver.Site, version webserver.Version) (webserver.Config, error) {
	return s.Part(at, version, placement+"\n  "+strings.Join(modules(), " "), site{at}.write, func(test *webserver.Writer, prefix, text string) {
		writeMain(test, prefix, webserver.Listener{Port: 8080})
		test.Block("<VirtualHost *:8080>", "</VirtualHost>", func() { test.Line("%s", text) })
	})
}

// Full returns a whole file.
func (s Server) Full(at webserver.Site, version webserver.Version, listener webserver.Listener) (webserver.Config, error) {
	return s.Whole(at, version, listener, "apache2 -D FOREGROUND -f /path/of/this/file", func(w *webserver.Writer, prefix string) {
		w.Line("")
		writeMain(w, prefix, listener)
		w.Line("")
		site{at}.write(w)
		if at.Prefix != "" {
			w.Comment("What lies outside the application is not found.")
			w.Line(`RewriteRule "^" "-" [R=404]`)
		}
	})
}

// moduleFolders are where distributions have Apache's modules: Debian, Fedora, Alpine, and Apache itself.
var moduleFolders = []string{"/usr/lib/apache2/modules", "/usr/lib64/httpd/modules", "/usr/lib/httpd/modules", "/usr/local/apache2/modules"}

// writeMain writes what concerns the server.
func writeMain(w *webserver.Writer, prefix string, listener webserver.Listener) {
	for _, folder := range moduleFolders {
		w.Block("<IfFile "+quote(folder+"/mod_proxy_fcgi.so")+">", "</IfFile>", func() { w.Line("Define launcher_modules %s", folder) })
	}
	all := append([]string{"mpm_event", "unixd", "authz_core", "mime"}, modules()...)
	for _, module := range all {
		w.Block("<IfModule !"+module+"_module>", "</IfModule>", func() {
			w.Line("LoadModule %s_module ${launcher_modules}/mod_%s.so", module, module)
		})
	}
	w.Block(`<IfFile "${launcher_modules}/mod_xsendfile.so">`, "</IfFile>", func() {
		w.Line("LoadModule xsendfile_module ${launcher_modules}/mod_xsendfile.so")
	})
	w.Line("Listen %s", listener.HostPort())
	w.Lines("ServerName localhost", "ServerTokens Prod", "LogLevel warn")
	w.Comment("Not standard error, which Apache cannot open anew where it is a socket of systemd's.")
	w.Line("ErrorLog %s", quote(prefix+".log"))
	if listener.Root {
		w.Comment("Apache serves nothing as root. The group is that of the sockets of a launcher that runs as root.")
		w.Lines("User nobody", `Group "#0"`)
	}
	w.Line("PidFile %s", quote(prefix+".pid"))
	w.Line("DefaultRuntimeDir %s", quote(prefix[:strings.LastIndex(prefix, "/")]))
	w.Comment("Each request has a thread, also while it waits for a worker.")
	w.Lines("ThreadsPerChild 64", "ServerLimit 8", "MaxRequestWorkers 512")
	w.Line("TypesConfig /dev/null")
	for _, t := range webserver.MediaTypes() {
		w.Line("AddType %s .%s", t.Name, strings.ReplaceAll(t.Endings, " ", " ."))
	}
	w.Block("<Directory />", "</Directory>", func() { w.Lines("Require all denied", "AllowOverride None") })
}
