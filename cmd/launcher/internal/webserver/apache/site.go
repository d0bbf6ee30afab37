package apache

import (
	"fmt"
	"strings"

	"launcher/cmd/launcher/internal/webserver"
)

// site is what is written for an application.
type site struct{ webserver.Site }

// write writes the site, as it stands in a virtual host.
func (s site) write(w *webserver.Writer) {
	s.writeBalancer(w)
	w.Line("")
	if s.Public != "" {
		s.writeFolder(w)
		w.Line("")
	}
	w.Comment("A path with %2F in it is the application's affair, too.")
	w.Lines("AllowEncodedSlashes NoDecode", "RewriteEngine On")
	if s.Public != "" {
		s.writeFiles(w)
	}
	w.Comment("All else goes to the application, which reads the path as the client wrote it.")
	w.Line("RewriteRule %s %s [P]", quote("^"+s.Pattern()+"(?:/|$)"), quote(s.balancer()+"/"))
	s.writeSendfile(w)
}

func (s site) balancer() string { return "balancer://" + s.Name() }

// writeBalancer writes the workers.
//
// By itself Apache sends a stream when 8 kB of it have come, takes a worker that has died out of service for a minute,
// sends its request to each of the others, whatever the method, and ends a request after a minute. Members without names
// of their own would be one to it.
func (s site) writeBalancer(w *webserver.Writer) {
	w.Block("<Proxy "+quote(s.balancer())+">", "</Proxy>", func() {
		w.Comment("A worker serves one request at a time: the one with the fewest is asked. A socket whose worker has")
		w.Comment("died, or that is gone, is passed over for a second, unless they all are. What a request may take is")
		w.Comment("the launcher's affair.")
		flush := "flushpackets=on"
		if s.Buffered {
			flush = "flushpackets=off"
		}
		for slot, address := range s.Backends {
			member := "fcgi://" + address.HostPort()
			if address.Socket != "" {
				member = fmt.Sprintf("unix:%s|fcgi://%s.w%d", address.Socket, strings.ReplaceAll(s.Name(), "_", "-"), slot)
			}
			w.Line("BalancerMember %s retry=1 timeout=86400 %s", quote(member), flush)
		}
		w.Comment("No request is sent twice: Apache would do so with a POST, too, and without its body.")
		w.Line("ProxySet lbmethod=bybusyness maxattempts=0")
		w.Line("ProxyFCGIBackendType GENERIC")
		w.Comment("Apache keeps the header Authorization to itself otherwise, and bounds a body by 1 GB.")
		w.Lines("CGIPassAuth On", "LimitRequestBody 0")
		w.Comment("The launcher, and the application, tell from it how long a request has waited for a worker.")
		w.Line(`RequestHeader set X-Request-Start "%t"`)
	})
}

// writeFolder writes what holds for the static folder.
func (s site) writeFolder(w *webserver.Writer) {
	if s.Prefix == "" {
		w.Line("DocumentRoot %s", quote(s.Public))
	} else {
		w.Line("Alias %s %s", quote(s.Prefix+"/"), quote(strings.TrimRight(s.Public, "/")+"/"))
	}
	w.Block("<Directory "+quote(s.Public)+">", "</Directory>", func() {
		w.Lines("Require all granted", "Options FollowSymLinks", "AllowOverride None", "DirectoryIndex index.html", "DirectorySlash Off",
			"AddDefaultCharset utf-8")
	})
}

// expanded is a name as a RewriteCond has it, where % begins a reference.
func expanded(name string) string { return strings.ReplaceAll(name, "%", `\%`) }

// writeFiles writes the rules that end at a static file.
func (s site) writeFiles(w *webserver.Writer) {
	conditions := func(path string) {
		w.Lines(`RewriteCond %{REQUEST_METHOD} "^(?:GET|HEAD)$"`)
		w.Line("RewriteCond %%{REQUEST_URI} %s", quote(`!(?s)^`+s.Pattern()+`/(?:\.(?!well-known/)|.*/\.)`))
		w.Line("RewriteCond %%{REQUEST_URI} %s", quote(`(?s)^`+s.Pattern()+`(/.*)$`))
		w.Line("RewriteCond %s -f", quote(expanded(strings.TrimRight(s.Public, "/"))+path))
	}
	const isFile = `RewriteCond %{ENV:launcher_file} "1"`
	w.Comment("GET and HEAD ask for a file, or a folder's index.html; a name that begins with a dot is not looked for,")
	w.Comment("except below /.well-known/.")
	conditions("%1")
	w.Lines(`RewriteRule "^" "-" [E=launcher_file:1]`, isFile)
	w.Line(`RewriteRule %s "-" [E=launcher_fingerprinted:1]`, quote("^"+s.Pattern()+webserver.Fingerprinted))
	w.Lines(isFile, `RewriteRule "^" "-" [L]`)
	conditions("%1index.html")
	w.Line(`RewriteRule "/$" "-" [L]`)
	w.Comment("Files with the digest of their content in their name may be kept for a year.")
	w.Line(`Header set Cache-Control "max-age=%d" env=launcher_fingerprinted`, webserver.Year)
}

// writeSendfile writes the folders of the files that the application names with X-Sendfile.
func (s site) writeSendfile(w *webserver.Writer) {
	if len(s.Sendfile) == 0 {
		return
	}
	w.Comment("Files that the application names with X-Sendfile are sent from these folders alone, by a module of its")
	w.Comment("own (Debian: libapache2-mod-xsendfile). Without it, such a response is an empty page: in Rails,")
	w.Comment("config.action_dispatch.x_sendfile_header is to be nothing then.")
	w.Block("<IfModule xsendfile_module>", "</IfModule>", func() {
		w.Line("XSendFile On")
		for _, folder := range s.Sendfile {
			w.Line("XSendFilePath %s", quote(folder))
		}
	})
}
