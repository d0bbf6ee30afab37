package lighttpd

import (
	"net/netip"
	"strconv"
)

// Server is what a whole configuration file needs beside its site. With it a
// user without privileges can run `lighttpd -D -f FILE` in the foreground.
type Server struct {
	Address   string // IP address to listen on; empty: 127.0.0.1
	Port      int    // 1 to 65535
	PIDFile   string // empty: none is written
	ErrorLog  string // empty: standard error, which lighttpd -D keeps
	UploadDir string // where request bodies wait until they are complete; empty: lighttpd's own, /var/tmp
}

// validate returns an error unless every part of s can be written down.
func (s Server) validate() error {
	if s.Address != "" {
		if addr, err := netip.ParseAddr(s.Address); err != nil || addr.Zone() != "" {
			return failf(`give an IP address, like "127.0.0.1", "0.0.0.0" or "::1"`,
				"listen on address %q: not an IP address", s.Address)
		}
	}
	if s.Port < 1 || s.Port > 65535 {
		return failf("give a port from 1 to 65535", "listen on port %d: no such port", s.Port)
	}
	for _, file := range []struct{ what, path string }{
		{"pid file", s.PIDFile},
		{"error log", s.ErrorLog},
	} {
		if file.path == "" {
			continue
		}
		if err := checkFile(file.what, file.path); err != nil {
			return err
		}
	}
	if s.UploadDir == "" {
		return nil
	}
	return checkPath("upload folder", s.UploadDir)
}

// bind is the address as server.bind takes it: IPv6 in brackets.
func (s Server) bind() string {
	if s.Address == "" {
		return "127.0.0.1"
	}
	addr := netip.MustParseAddr(s.Address)
	if addr.Is6() {
		return "[" + addr.String() + "]"
	}
	return addr.String()
}

func (s Server) port() string { return strconv.Itoa(s.Port) }
