package webserver

import (
	"fmt"
	"hash/fnv"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"launcher/preforker/hint"
)

// Site is one application as a web server sees it.
type Site struct {
	Root     string    // folder of the application, absolute
	Public   string    // folder of its static files, absolute; empty: it has none
	Backends []Address // of its workers in the order of their slots
	Prefix   string    // empty for the whole host, or a path like "/shop" that the application is mounted under
	// Sendfile are the folders, absolute, of the files that the application may have the web server send.
	Sendfile []string
	// Buffered has the web server collect each response before it sends it, where compressing needs that.
	Buffered bool
}

// Names are the bytes that a web server's configuration cannot have in names, beside line breaks and NUL.
type Names struct {
	Server string // the web server, for errors
	Folder string
	Socket string
}

// prefixPattern admits what stands in a URL path without percent-encoding, and means nothing in configurations but for
// the period in patterns.
var prefixPattern = regexp.MustCompile(`^(?:/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+$`)

// Check returns an error unless every part of the site can be written down.
func (s Site) Check(names Names) error {
	if err := names.check("application root", s.Root, names.Folder); err != nil {
		return err
	}
	folders := s.Sendfile
	if s.Public != "" {
		folders = append([]string{s.Public}, folders...)
	}
	for _, folder := range folders {
		if err := names.check("folder", folder, names.Folder); err != nil {
			return err
		}
	}
	if s.Prefix != "" && !prefixPattern.MatchString(s.Prefix) {
		return hint.Errorf(`begin it with a slash, end it without one, and use letters, digits and "-._~", like "/shop"`,
			"mount application at %q: not a plain URL path", s.Prefix)
	}
	if len(s.Backends) == 0 {
		return hint.Errorf("name the number of workers", "write configuration: the application has no worker")
	}
	slots := map[Address]int{}
	for slot, address := range s.Backends {
		if err := address.check(slot, names); err != nil {
			return err
		}
		if other, twice := slots[address]; twice {
			return hint.Errorf("give every slot an address of its own", "use address of slot %d: slot %d has the same: %s", slot, other, address)
		}
		slots[address] = slot
	}
	return nil
}

// check returns an error unless a path is absolute and has none of some bytes.
func (n Names) check(what, path, forbidden string) error {
	if !filepath.IsAbs(path) {
		return hint.Errorf("give the path from the root of the file system", "use %s: path is not absolute: %q", what, path)
	}
	if i := strings.IndexAny(path, "\x00\r\n"+forbidden); i >= 0 {
		return hint.Errorf(fmt.Sprintf("rename it: %s's configuration has no way to write such a name", n.Server),
			"use %s: path has %q in it: %q", what, path[i:i+1], path)
	}
	return nil
}

var notInNames = regexp.MustCompile(`[^A-Za-z0-9]+`)

// Name is what the site's parts are called in a configuration, which may have several sites: of the folder's name, for
// the reader, and a digest, since names of other folders may be alike.
func (s Site) Name() string {
	base := filepath.Base(s.Root)
	if base == "current" { // the link of a deploy
		base = filepath.Base(filepath.Dir(s.Root))
	}
	base = strings.Trim(notInNames.ReplaceAllString(base, "_"), "_")
	sum := fnv.New32a()
	fmt.Fprint(sum, s.Root, "\x00", s.Prefix)
	for _, address := range s.Backends {
		fmt.Fprint(sum, "\x00", address)
	}
	return fmt.Sprintf("launcher_%.20s_%08x", base, sum.Sum32())
}

// Ports says whether workers are at ports: their host may be gone as a whole, which a web server finds out for itself. A
// socket is gone because its worker cannot be started, and the launcher sees to that.
func (s Site) Ports() bool {
	return slices.ContainsFunc(s.Backends, func(a Address) bool { return a.Socket == "" })
}

// Workers tells how many there are.
func (s Site) Workers() string {
	if len(s.Backends) == 1 {
		return "1 worker"
	}
	return strconv.Itoa(len(s.Backends)) + " workers"
}
