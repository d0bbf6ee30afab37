package front

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"launcher/fcgi"
)

// The response headers in whose place a web server sends a file. They never reach the client: each
// tells where something lies on the disk.
const (
	headerSendfile         = "X-Sendfile"
	headerLighttpdSendfile = "X-Lighttpd-Send-File"
)

// foreignSendfile are those of other web servers, which this front does not act on.
var foreignSendfile = []string{"X-Sendfile2", "X-Accel-Redirect"}

// sendfileDrain bounds what is read of the body beside X-Sendfile, which nobody gets.
const sendfileDrain = 1 << 20

var (
	errSendfileForeign  = errors.New("the application answered with the header of another web server; its name here is " + headerSendfile)
	errSendfileCount    = errors.New("the application named more than one file")
	errSendfileRelative = errors.New("the path is not absolute")
	errSendfileOff      = errors.New("no folder is allowed (--sendfile-dir)")
	errSendfileOutside  = errors.New("the file is in none of the allowed folders (--sendfile-dir)")
)

// sendfile is the file that an application has sent in the place of its body.
type sendfile struct {
	path string
	err  error // why it cannot be sent
}

// takeSendfile takes it out of a response's header, and returns nil where none is named.
func takeSendfile(header http.Header) *sendfile {
	var named *sendfile
	for _, name := range []string{headerSendfile, headerLighttpdSendfile} {
		for _, path := range header.Values(name) {
			if named == nil {
				named = &sendfile{path: path}
			} else if named.path != path {
				named.err = errSendfileCount
			}
		}
		header.Del(name)
	}
	for _, name := range foreignSendfile {
		if value := header.Get(name); value != "" && named == nil {
			named = &sendfile{path: value, err: fmt.Errorf("%s: %w", name, errSendfileForeign)}
		}
		header.Del(name)
	}
	return named
}

// sendFile answers with the file that the application has named. The worker is free before the first
// byte of it leaves.
func (h *Handler) sendFile(w http.ResponseWriter, r *http.Request, resp *fcgi.Response, named *sendfile, up *upload) {
	file, info, err := h.openSendfile(named)
	if err != nil {
		why := refusedSendfile
		if errors.Is(err, fs.ErrNotExist) {
			why = refusedMissing
		}
		h.log.Error("file was not sent", append(about(r), keyStatus, refusalKinds[why].code, keyFile, cut(named.path), keyError, err)...)
		h.refuse(w, r, why, "The file of this address cannot be sent.")
		return
	}
	defer file.Close()
	defer h.noteLeft(r)
	header := w.Header()
	copyHeader(header, resp.Header, up.complete() && !connOf(r.Context()).ends())
	for _, name := range []string{"Content-Length", "Content-Range", "Accept-Ranges"} {
		header.Del(name) // they speak of the body that the application would have sent
	}
	if header.Get("Content-Type") == "" {
		header.Set("Content-Type", contentType(named.path))
	}
	if header.Get("Etag") == "" {
		header.Set("Etag", fileTag(info))
	}
	h.allowTime(w, info.Size())
	partial := resp.Status == http.StatusOK || resp.Status == http.StatusPartialContent
	if partial && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
		modified := info.ModTime()
		if named, err := http.ParseTime(header.Get("Last-Modified")); err == nil {
			modified = named
		}
		http.ServeContent(w, r, "", modified, file)
		return
	}
	if partial {
		resp.Status = http.StatusOK // a Range is for GET alone (RFC 9110, section 14.2)
	}
	header.Set("Content-Length", strconv.FormatInt(info.Size(), 10))
	w.WriteHeader(resp.Status)
	if r.Method != http.MethodHead {
		_, _ = io.CopyN(w, file, info.Size()) // a client that is gone needs no answer, and net/http notices a short one
	}
}

// openSendfile opens the file that was named. Rack sends the path as it is, other libraries encode it as
// a URL: what is not there by its name is looked for by the decoded one.
func (h *Handler) openSendfile(named *sendfile) (*os.File, fs.FileInfo, error) {
	if named.err != nil {
		return nil, nil, named.err
	}
	file, info, err := h.openAllowed(named.path)
	if decoded, bad := url.PathUnescape(named.path); errors.Is(err, fs.ErrNotExist) && bad == nil && decoded != named.path {
		return h.openAllowed(decoded)
	}
	return file, info, err
}

// openAllowed opens a regular file below one of the allowed folders.
func (h *Handler) openAllowed(path string) (*os.File, fs.FileInfo, error) {
	if len(h.config.SendfileDirs) == 0 {
		return nil, nil, errSendfileOff
	}
	if !filepath.IsAbs(path) || strings.ContainsRune(path, 0) {
		return nil, nil, errSendfileRelative
	}
	anyName := func(string) bool { return true }
	return openResolved(path, h.config.SendfileDirs, anyName, errSendfileOutside)
}

// openResolved opens a regular file that lies below one of some folders, at a path in there that is allowed. Symbolic
// links are followed as long as they end there: deploy tools make the folders themselves links. os.Root holds that,
// whatever is put in the place of a folder in between.
func openResolved(path string, dirs []string, allowed func(below string) bool, outside error) (*os.File, fs.FileInfo, error) {
	dir, name, err := resolve(path, dirs, allowed, outside)
	if err != nil {
		return nil, nil, err
	}
	return openBelow(dir, name)
}

// resolve returns in which of some folders a path ends, and where in there.
func resolve(path string, dirs []string, allowed func(below string) bool, outside error) (dir, name string, err error) {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return "", "", err
	}
	for _, dir := range dirs {
		if dir, err = filepath.EvalSymlinks(dir); err != nil {
			continue // it is not there, or not yet
		}
		if name, err := filepath.Rel(dir, real); err == nil && filepath.IsLocal(name) && allowed("/"+filepath.ToSlash(name)) {
			return dir, name, nil
		}
	}
	if real != filepath.Clean(path) {
		return "", "", fmt.Errorf("it leads to %s: %w", cut(real), outside)
	}
	return "", "", outside
}

// openBelow opens a regular file. It looks before it opens, because opening a device may do
// something, and once more afterwards.
func openBelow(dir, name string) (*os.File, fs.FileInfo, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, nil, err
	}
	defer root.Close() // the open file does not need it
	info, err := root.Lstat(name)
	if err != nil {
		return nil, nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, nil, errNotRegular
	}
	file, err := root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, nil, err
	}
	return regular(file)
}

// allowTime bounds the sending of a file: without a bound a client that never reads would hold it and a
// connection for ever.
func (h *Handler) allowTime(w http.ResponseWriter, size int64) {
	allowed := h.config.StallLimit + time.Duration(size/minimumRate)*time.Second
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(allowed)) // writers of tests have none
}
