package front

import (
	"errors"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// minimumRate is the rate, in bytes a second, below which a client of a file loses
// its connection.
const minimumRate = 2 << 10

// serveStatic serves a file of the public folder, or the index.html of a folder for the path
// that ends with a slash, and tells whether there was one. What is no file is left to the
// application: there is no listing.
func (h *Handler) serveStatic(w http.ResponseWriter, r *http.Request, name string) bool {
	if h.config.Public == "" || r.Method != http.MethodGet && r.Method != http.MethodHead || !isFileName(strings.TrimSuffix(name, "/")) && name != "/" {
		return false
	}
	if strings.HasSuffix(name, "/") {
		name += "index.html"
	}
	file, info, err := h.openPublic(name)
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, errLinkOutside) {
		h.log.Warn("static file was not sent", append(about(r), keyError, err)...)
		h.refuse(w, r, refusedFile, "This file is not readable.")
		return true
	}
	if err != nil {
		return false
	}
	defer file.Close()
	defer h.noteLeft(r)
	leaveBody(w, r)
	header := w.Header()
	if hasDigest(name) {
		header.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	kind := contentType(name)
	header.Set("Content-Type", kind)
	if !isText(kind) {
		h.sendStatic(w, r, file, info, fileTag(info))
		return true
	}
	if coding, packed, packedInfo := h.openCompressed(r, name, info); packed != nil {
		defer packed.Close()
		varyByEncoding(header)
		header.Set("Content-Encoding", coding)
		h.sendStatic(w, r, packed, packedInfo, fileTag(packedInfo))
		return true
	}
	if info.Size() < minCompressed || info.Size() > maxCompressedFile || r.Header.Get("Range") != "" || !accepts(r, "gzip") {
		varyByEncoding(header)
		h.sendStatic(w, r, file, info, fileTag(info))
		return true
	}
	h.compressor.serve(w, r, func(w http.ResponseWriter) {
		varyByEncoding(w.Header()) // where it is not compressed for want of room; else that has been done
		h.sendStatic(w, r, file, info, "W/"+fileTag(info))
	})
	return true
}

// sendStatic sends a file, or what of it is asked for.
func (h *Handler) sendStatic(w http.ResponseWriter, r *http.Request, file *os.File, info fs.FileInfo, tag string) {
	header := w.Header()
	header.Set("Etag", tag)
	if header.Get("Content-Encoding") != "" && r.Header.Get("If-Match") == "" && r.Header.Get("If-Unmodified-Since") == "" {
		header.Set("Content-Length", strconv.FormatInt(info.Size(), 10)) // net/http leaves it out then
	}
	h.allowTime(w, info.Size())
	http.ServeContent(w, r, "", info.ModTime(), file)
}

// compressedFiles are the ends of the names that tools give to the compressed form of a file.
var compressedFiles = []struct{ coding, extension string }{{"br", ".br"}, {"gzip", ".gz"}}

// openCompressed opens the compressed form of a file that stands beside it, nil where there is none that the client
// takes. One that is older than the file is that of another content, unless the name tells what is in it.
func (h *Handler) openCompressed(r *http.Request, name string, original fs.FileInfo) (coding string, file *os.File, info fs.FileInfo) {
	for _, form := range compressedFiles {
		if !accepts(r, form.coding) {
			continue
		}
		file, info, err := h.openPublic(name + form.extension)
		if err != nil {
			continue
		}
		if hasDigest(name) || !info.ModTime().Truncate(time.Second).Before(original.ModTime().Truncate(time.Second)) {
			return form.coding, file, info
		}
		_ = file.Close() // nothing was written
	}
	return "", nil, nil
}

// errLinkOutside is a link in the public folder to what is not public.
var errLinkOutside = errors.New("the link leads out of the public folder, to none of the folders that it may lead to (--sendfile-dir)")

// openPublic opens a regular file below the public folder. Links are followed within it, and to the folders that they
// may lead to.
func (h *Handler) openPublic(name string) (*os.File, fs.FileInfo, error) {
	path := filepath.Join(h.config.Public, filepath.FromSlash(name))
	// Most requests name no file, and that is all that they cost.
	if info, err := os.Stat(path); err != nil {
		return nil, nil, err
	} else if !info.Mode().IsRegular() {
		return nil, nil, errNotRegular
	}
	if h.linked(name) {
		return openResolved(path, h.linkDirs(), isFileName, errLinkOutside)
	}
	return openBelow(h.config.Public, filepath.FromSlash(name[1:]))
}

// linkDirs are the folders that links in the public folder may lead to.
func (h *Handler) linkDirs() []string { return append([]string{h.config.Public}, h.config.LinkDirs...) }

// CheckLinks says which links in the public folder itself, not below it, lead to what is not served.
func (h *Handler) CheckLinks() (errs []error) {
	entries, err := os.ReadDir(h.config.Public)
	if err != nil {
		return nil // without one there is nothing to serve
	}
	for _, entry := range entries {
		path := filepath.Join(h.config.Public, entry.Name())
		if entry.Type() != fs.ModeSymlink || !isFileName("/"+entry.Name()) {
			continue
		}
		servable := func(below string) bool { return below == "/." || isFileName(below) } // the folder itself
		if _, _, err := resolve(path, h.linkDirs(), servable, errLinkOutside); errors.Is(err, errLinkOutside) {
			errs = append(errs, fmt.Errorf("%s: %w", path, err))
		}
	}
	return errs
}

// linked tells whether there is a link on the way from the public folder to a file.
func (h *Handler) linked(name string) bool {
	for i := 1; i <= len(name); i++ {
		if i < len(name) && name[i] != '/' {
			continue
		}
		info, err := os.Lstat(filepath.Join(h.config.Public, filepath.FromSlash(name[:i])))
		if err != nil || info.Mode().Type() == fs.ModeSymlink {
			return true
		}
	}
	return false
}

// isFileName tells whether a path may name a public file. Names that start with
// a dot are not public (.git, .env), .well-known excepted, whose purpose it is
// (RFC 8615). This excludes ".." too.
func isFileName(name string) bool {
	if !strings.HasPrefix(name, "/") || strings.ContainsRune(name, 0) {
		return false
	}
	for i, segment := range strings.Split(name[1:], "/") {
		if segment == "" || segment[0] == '.' && (i > 0 || segment != ".well-known") {
			return false
		}
	}
	return true
}

var errNotRegular = errors.New("it is not a regular file")

// regular returns an open file and what is known of it, or closes it.
func regular(file *os.File) (*os.File, fs.FileInfo, error) {
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errNotRegular
	}
	if err != nil {
		return nil, nil, errors.Join(err, file.Close())
	}
	return file, info, nil
}

func fileTag(info fs.FileInfo) string {
	return fmt.Sprintf(`"%x-%x"`, info.ModTime().UnixNano(), info.Size())
}

// contentType tells the media type from the name alone. The content is never
// looked at: a public folder holds uploads, and one that looks like HTML would
// become a page of this site.
func contentType(name string) string {
	extension := strings.ToLower(path.Ext(name))
	switch extension {
	// What web applications have in public and a machine without a table of
	// media types does not know.
	case ".ico":
		return "image/vnd.microsoft.icon"
	case ".txt":
		return "text/plain; charset=utf-8"
	case ".map":
		return "application/json"
	case ".webmanifest":
		return "application/manifest+json"
	case ".woff":
		return "font/woff"
	case ".woff2":
		return "font/woff2"
	case ".ttf":
		return "font/ttf"
	case ".otf":
		return "font/otf"
	case ".mp4":
		return "video/mp4"
	case ".webm":
		return "video/webm"
	case ".gz":
		return "application/gzip"
	}
	if t := mime.TypeByExtension(extension); t != "" {
		return t
	}
	return "application/octet-stream"
}

// hasDigest tells whether a file has the digest of its content in its name, as Sprockets, Propshaft, Webpacker and
// Vite write it. A short one must have a digit and a letter: photo-20240131.jpg has a date. Vite's is not
// hexadecimal, and in its folder all files have one.
func hasDigest(name string) bool {
	folder, rest, _ := strings.Cut(strings.TrimPrefix(name, "/"), "/")
	if folder != "assets" && folder != "packs" && folder != "vite" {
		return false
	}
	base := path.Base(rest)
	for i := 1; i < len(base); i++ {
		if base[i] != '-' && base[i] != '.' {
			continue
		}
		digest, _, found := strings.Cut(base[i+1:], ".")
		if found && (isDigest(digest) || strings.HasPrefix(name, "/vite/assets/") && len(digest) == viteDigest) {
			return true
		}
	}
	return false
}

// viteDigest is the length of Vite's.
const viteDigest = 8

func isDigest(s string) bool {
	if len(s) < 8 || strings.Trim(s, "0123456789abcdef") != "" {
		return false
	}
	return len(s) >= 32 || strings.ContainsAny(s, "0123456789") && strings.ContainsAny(s, "abcdef")
}
