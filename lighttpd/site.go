package lighttpd

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// Site is one application as lighttpd sees it.
type Site struct {
	Root    string   // folder of the application, absolute
	Public  string   // folder of its static files, absolute; empty: it has none
	Sockets []string // of its workers in the order of their slots: absolute paths, or hosts with ports
	Prefix  string   // "" for the whole host, or a path like "/shop" that the application is mounted under
	// Sendfile are the folders, absolute, of the files that the application may have lighttpd send (X-Sendfile).
	Sendfile []string
	// Buffered has lighttpd collect each response before it sends it.
	Buffered bool
}

// maxSocketPath is what sun_path of a unix socket address holds on Linux, less
// the NUL at its end (unix(7)). lighttpd refuses to start with a longer one.
const maxSocketPath = 107

// FindPublic returns the folder for static files of the application in root,
// or "" when there is none.
func FindPublic(root string) string {
	public := filepath.Join(root, "public")
	if info, err := os.Stat(public); err != nil || !info.IsDir() {
		return ""
	}
	return public
}

// prefixPattern admits what stands in a URL path without percent-encoding and
// means nothing in a rewrite target, where % and $ begin a substitution.
var prefixPattern = regexp.MustCompile(`^(?:/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+$`)

// validate returns an error unless every part of s can be written down.
func (s Site) validate() error {
	if err := checkPath("application root", s.Root); err != nil {
		return err
	}
	if s.Public != "" {
		if err := checkPath("static folder", s.Public); err != nil {
			return err
		}
	}
	if s.Prefix != "" && !prefixPattern.MatchString(s.Prefix) {
		return failf(`begin it with a slash, end it without one, and use letters, digits and "-._~", like "/shop"`,
			"mount application at %q: not a plain URL path", s.Prefix)
	}
	for _, folder := range s.Sendfile {
		if err := checkPath("folder for X-Sendfile", folder); err != nil {
			return err
		}
	}
	return s.validateSockets()
}

func (s Site) validateSockets() error {
	if len(s.Sockets) == 0 {
		return failf("name the number of workers", "write lighttpd configuration: the application has no socket")
	}
	seen := make(map[string]int, len(s.Sockets))
	for slot, socket := range s.Sockets {
		if isPort(socket) {
			if _, _, err := splitPort(socket); err != nil {
				return fmt.Errorf("use socket of slot %d: %w", slot, err)
			}
		} else if err := checkFile(fmt.Sprintf("socket of slot %d", slot), socket); err != nil {
			return err
		}
		if len(socket) > maxSocketPath {
			return failf("choose a folder for the sockets with a shorter path",
				"use socket of slot %d: path of %d bytes, a unix socket address holds %d: %s", slot, len(socket), maxSocketPath, socket)
		}
		if other, ok := seen[socket]; ok {
			return failf("give every slot a socket of its own",
				"use socket of slot %d: slot %d has the same: %s", slot, other, socket)
		}
		seen[socket] = slot
	}
	return nil
}

// checkPath returns an error unless path is absolute and can be quoted.
func checkPath(what, path string) error {
	if !filepath.IsAbs(path) {
		return failf("give the path from the root of the file system",
			"use %s: path is not absolute: %q", what, path)
	}
	if strings.ContainsAny(path, "\x00\r\n") {
		return failf("rename it: a line of lighttpd's configuration cannot hold such a name",
			"use %s: path has a line break or NUL in it: %q", what, path)
	}
	return nil
}

// checkFile is checkPath for a path that cannot be ended with a slash.
func checkFile(what, path string) error {
	if err := checkPath(what, path); err != nil {
		return err
	}
	if strings.HasSuffix(path, `\`) {
		return failf("rename it: lighttpd's configuration has no way to write such a name",
			"use %s: path ends with a backslash: %q", what, path)
	}
	return nil
}
