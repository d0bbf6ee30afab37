package webserver

import (
	"net"
	"net/netip"
	"path/filepath"
	"regexp"
	"strconv"

	"launcher/preforker/hint"
)

// Address is where a worker listens: a unix socket, or a port.
type Address struct {
	Socket string // the path of the unix socket, absolute; empty: there is a port
	Host   string // its IP address or name
	Port   int
}

// ParseAddress reads the absolute path of a unix socket, or HOST:PORT.
func ParseAddress(text string) (Address, error) {
	if filepath.IsAbs(text) {
		return Address{Socket: text}, nil
	}
	host, port, err := net.SplitHostPort(text)
	number, bad := strconv.Atoi(port)
	if err != nil || bad != nil {
		return Address{}, hint.Errorf("give the absolute path of a socket, or HOST:PORT", "read address %q: neither a path nor a host with a port", text)
	}
	return Address{Host: host, Port: number}, nil
}

// String is what ParseAddress reads.
func (a Address) String() string {
	if a.Socket != "" {
		return a.Socket
	}
	return a.HostPort()
}

// HostPort is the address of a port as all web servers read it, an IPv6 address in brackets.
func (a Address) HostPort() string { return net.JoinHostPort(a.Host, strconv.Itoa(a.Port)) }

// maxSocketPath is what sun_path of a unix socket address holds on Linux, less the NUL at its end (unix(7)).
const maxSocketPath = 107

var hostName = regexp.MustCompile(`^[0-9A-Za-z_](?:[0-9A-Za-z._-]*[0-9A-Za-z])?$`)

// check returns an error unless the address of a slot can be written down.
func (a Address) check(slot int, names Names) error {
	if a.Socket == "" {
		if ip, err := netip.ParseAddr(a.Host); (err != nil || ip.Zone() != "") && !hostName.MatchString(a.Host) {
			return hint.Errorf("give an IP address or the name of a host", "use address of slot %d: %q is no host", slot, a.Host)
		}
		return checkPort(a.Port)
	}
	if err := names.check("socket", a.Socket, names.Socket); err != nil {
		return err
	}
	if len(a.Socket) > maxSocketPath {
		return hint.Errorf("choose a folder for the sockets with a shorter path",
			"use socket of slot %d: path of %d bytes, a unix socket address holds %d: %s", slot, len(a.Socket), maxSocketPath, a.Socket)
	}
	return nil
}

func checkPort(port int) error {
	if port < 1 || port > 65535 {
		return hint.Errorf("give a port from 1 to 65535", "use port %d: no such port", port)
	}
	return nil
}
