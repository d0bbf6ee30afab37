package nginx

import (
	"fmt"
	"strings"

	"launcher/cmd/launcher/internal/webserver"
	"launcher/preforker/hint"
)

// site is what is written for an application.
type site struct {
	webserver.Site
	version webserver.Version
}

// write writes the site, with the lines that say where it listens.
func (s site) write(w *webserver.Writer, listen func()) {
	s.writeUpstream(w)
	w.Line("")
	if s.Public != "" {
		s.writeMaps(w)
		w.Line("")
	}
	w.Block("server {", "}", func() {
		listen()
		w.Line("")
		w.Comment("How large a body may be is the application's affair.")
		w.Line("client_max_body_size 0;")
		w.Line("")
		s.writeLocations(w)
		w.Line("")
		s.writeFastCGI(w)
		s.writeSendfile(w)
	})
}

// writeUpstream writes the workers.
//
// With its defaults nginx takes a socket out of service for 10 s once a worker has died there, and one GET that kills
// its worker was asked of all of them. The host of a port may be gone as a whole, so a port that fails is passed over
// for a second. The zone has all processes of nginx count the requests of a worker together.
func (s site) writeUpstream(w *webserver.Writer) {
	w.Comment("A worker serves one request at a time: the one with the fewest is asked. A worker that has died has")
	w.Comment("a successor at once, so that no socket is passed over because of it.")
	w.Block("upstream "+s.Name()+" {", "}", func() {
		w.Line("zone %s %dk;", s.Name(), 64+4*len(s.Backends))
		w.Line("least_conn;")
		for _, address := range s.Backends {
			if address.Socket != "" {
				w.Line("server %s max_fails=0;", quote("unix:"+address.Socket))
			} else {
				w.Line("server %s max_fails=1 fail_timeout=1s;", address.HostPort())
			}
		}
		if s.version.AtLeast(keptVersion()) {
			w.Comment("Connections to workers are not kept: nothing is gained by it.")
			w.Line("keepalive 0;")
		}
	})
}

// writeMaps writes what names the file that a request asks for, below the static folder, and how long it may be kept.
//
// try_files with the path alone would send a file for a POST, or rather 405, and files whose names begin with a dot.
func (s site) writeMaps(w *webserver.Writer) {
	const path = "launcher_path" // of the request: a name may have 32 letters
	asked := s.Pattern()
	start := fmt.Sprintf(`~(?s)^(?:GET|HEAD):%s(?!/\.(?!well-known/)|/.*/\.)(?<%s>`, asked, path)
	w.Comment("GET and HEAD ask for a file, or a folder's index.html; a name that begins with a dot is not looked for,")
	w.Comment("except below /.well-known/.")
	w.Block("map $request_method:$uri $"+s.Name()+"_file {", "}", func() {
		w.Line("default /;")
		w.Line("%s ${%s}index.html;", quote(start+"/(?:.*/)?)$"), path)
		w.Line("%s $%s;", quote(start+"/.*)$"), path)
	})
	w.Comment("Files with the digest of their content in their name may be kept for a year. By the time that this is")
	w.Comment("asked, $uri is the path of the file.")
	w.Block("map $uri $"+s.Name()+"_expires {", "}", func() {
		w.Line("default off;")
		w.Line("%s 365d;", quote("~^"+webserver.Fingerprinted))
	})
}

// writeLocations writes the site's paths. What is no file goes to the application.
func (s site) writeLocations(w *webserver.Writer) {
	paths := []string{"/"}
	if s.Prefix != "" {
		paths = []string{"= " + s.Prefix, s.Prefix + "/"}
	}
	for _, path := range paths {
		w.Block("location "+path+" {", "}", func() {
			if s.Public == "" {
				w.Line("root %s;", webserver.NoFolder)
				w.Line("try_files / @%s;", s.Name())
				return
			}
			w.Line("root %s;", quote(s.Public))
			w.Line("try_files $%s_file @%s;", s.Name(), s.Name())
			w.Line("expires $%s_expires;", s.Name())
			w.Line("charset utf-8;")
		})
	}
}

// writeFastCGI writes how a worker is asked.
//
// fastcgi_buffering stays on: without it a slow client would hold a worker. By itself it also holds a stream back, and
// takes a response that breaks off for a whole one; with fastcgi_keep_conn nginx reads record by record, and does
// neither. It closes the connection itself, as long as the upstream keeps none. Time limits on requests are the
// launcher's.
func (s site) writeFastCGI(w *webserver.Writer) {
	w.Block("location @"+s.Name()+" {", "}", func() {
		w.Line("fastcgi_pass %s;", s.Name())
		w.Comment("Uploads are complete before a worker is bothered; responses leave as they come, and one that breaks")
		w.Comment("off is noticed.")
		w.Lines("fastcgi_request_buffering on;", "fastcgi_buffering on;", "fastcgi_keep_conn on;")
		w.Comment("A GET whose worker has died is asked again, and a request that no worker has seen.")
		if s.Ports() {
			w.Lines("fastcgi_next_upstream error timeout;", "fastcgi_next_upstream_tries 3;", "fastcgi_connect_timeout 2s;")
		} else {
			w.Lines("fastcgi_next_upstream error;", "fastcgi_next_upstream_tries 2;")
		}
		w.Comment("How long a request may take is the launcher's affair.")
		w.Lines("fastcgi_read_timeout 1d;", "fastcgi_send_timeout 1d;")
		w.Comment("The head of a response has to fit into one buffer.")
		w.Lines("fastcgi_buffer_size 32k;", "fastcgi_buffers 16 32k;")
		w.Line("")
		for _, param := range s.params() {
			w.Line("fastcgi_param %s;", param)
		}
	})
}

// params are what a worker is told beside the headers. REMOTE_USER is left out: nginx has in it whoever a client claims
// to be. A client's headers that would have Rack::Sendfile name files to nginx are replaced, and what it says of when its request
// began.
func (s site) params() []string {
	root := s.Public
	if root == "" {
		root = webserver.NoFolder
	}
	return []string{
		"REQUEST_METHOD $request_method", "REQUEST_URI $request_uri", "QUERY_STRING $query_string",
		`SCRIPT_NAME ""`, "PATH_INFO $uri", "DOCUMENT_ROOT " + quote(root),
		"CONTENT_TYPE $content_type", "CONTENT_LENGTH $content_length",
		"GATEWAY_INTERFACE CGI/1.1", "SERVER_SOFTWARE nginx/$nginx_version", "SERVER_PROTOCOL $server_protocol",
		"SERVER_NAME $host", "SERVER_PORT $server_port", "SERVER_ADDR $server_addr",
		"REMOTE_ADDR $remote_addr", "REMOTE_PORT $remote_port", "REQUEST_SCHEME $scheme", "HTTPS $https if_not_empty",
		`HTTP_X_REQUEST_START "t=$msec"`,
		`HTTP_X_SENDFILE_TYPE "" if_not_empty`, "HTTP_X_ACCEL_MAPPING " + quote(s.mapping()) + " if_not_empty",
	}
}

// sent is the path under which nginx alone finds a folder for files that the application names.
func (s site) sent(folder int) string { return fmt.Sprintf("/%s_files/%d/", s.Name(), folder) }

// mapping is what Rack::Sendfile makes the path of a file for nginx with.
func (s site) mapping() string {
	var pairs []string
	for i, folder := range s.Sendfile {
		pairs = append(pairs, strings.TrimRight(folder, "/")+"/="+s.sent(i))
	}
	return strings.Join(pairs, ",")
}

// checkMapping refuses folders that the mapping cannot have.
func checkMapping(at webserver.Site) error {
	for _, folder := range at.Sendfile {
		if strings.ContainsAny(folder, ",=") {
			return hint.Errorf("rename it, or name another one with --sendfile-dir: X-Accel-Mapping has no way to write such a name",
				"use folder: path has a comma or an equals sign in it: %q", folder)
		}
	}
	return nil
}

// writeSendfile writes the folders of the files that the application names with X-Accel-Redirect.
func (s site) writeSendfile(w *webserver.Writer) {
	if len(s.Sendfile) == 0 {
		return
	}
	w.Line("")
	w.Comment("Files that the application names with X-Accel-Redirect are sent from these folders alone. nginx knows no")
	w.Comment("X-Sendfile, and would send an empty page: in Rails, config.action_dispatch.x_sendfile_header is to be")
	w.Comment(`"X-Accel-Redirect", or nothing.`)
	for i, folder := range s.Sendfile {
		w.Block("location "+s.sent(i)+" {", "}", func() {
			w.Line("internal;")
			w.Line("alias %s;", quote(strings.TrimRight(folder, "/")+"/"))
		})
	}
}
