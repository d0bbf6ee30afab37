package lighttpd

import "fmt"

// Full returns a whole configuration file, which serves the site and nothing
// else.
func Full(site Site, version Version, server Server) (string, error) {
	if err := version.supported(); err != nil {
		return "", err
	}
	if err := site.validate(); err != nil {
		return "", err
	}
	if err := server.validate(); err != nil {
		return "", err
	}
	var w writer
	writeTitle(&w, site, version)
	w.comment("Run it in the foreground with: lighttpd -D -f THIS-FILE")
	w.line("")
	server.write(&w)
	w.line("")
	writeTypes(&w)
	w.line("")
	site.write(&w, version)
	return w.text.String(), nil
}

// emptyRoot is the folder for what no site answers. It need not exist: lighttpd
// asks for the option, not for the folder.
const emptyRoot = "/var/empty"

// write writes what concerns the server process.
func (s Server) write(w *writer) {
	w.set("server.bind", quote(s.bind()))
	w.set("server.port", s.port())
	w.comment("What lies outside the application is not found.")
	w.set("server.document-root", quote(emptyRoot))
	if s.PIDFile != "" {
		w.set("server.pid-file", quote(s.PIDFile))
	}
	if s.ErrorLog != "" {
		w.set("server.errorlog", quote(s.ErrorLog))
	}
	if s.UploadDir != "" {
		w.set("server.upload-dirs", fmt.Sprintf("( %s )", quoteFolder(s.UploadDir)))
	}
}
