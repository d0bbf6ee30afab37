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
	"strings"
	"syscall"
)

// minimumRate is the rate, in bytes a second, below which a client of a file loses
// its connection.
const minimumRate = 2 << 10

// serveStatic serves a file of the public folder, or the index.html of a folder for the path
// that ends with a slash, and tells whether there was one. What is no file is left to the
// application: there is no listing.
//
// Symbolic links are followed, out of the folder as well: deploy tools link
// public/system and public/assets to folders shared by releases.
func (h *Handler) serveStatic(w http.ResponseWriter, r *http.Request, name string) bool {
	if h.config.Public == "" || r.Method != http.MethodGet && r.Method != http.MethodHead || !isFileName(strings.TrimSuffix(name, "/")) && name != "/" {
		return false
	}
	if strings.HasSuffix(name, "/") {
		name += "index.html"
	}
	file, info, err := openRegular(filepath.Join(h.config.Public, filepath.FromSlash(name)))
	if errors.Is(err, fs.ErrPermission) {
		h.log.Warn("static file was not readable", append(about(r), keyError, err)...)
		h.refuse(w, r, http.StatusForbidden, "This file is not readable.")
		return true
	}
	if err != nil {
		return false
	}
	defer file.Close()
	header := w.Header()
	header.Set("Content-Type", contentType(name))
	header.Set("Etag", fileTag(info))
	if hasDigest(name) {
		header.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	leaveBody(w, r)
	h.allowTime(w, info.Size())
	http.ServeContent(w, r, name, info.ModTime(), file)
	return true
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

// openRegular opens a regular file. It opens without blocking, because a FIFO
// would wait for a writer, and judges what it has opened.
func openRegular(name string) (*os.File, fs.FileInfo, error) {
	file, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, nil, err
	}
	return regular(file)
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
