package webserver

import (
	"fmt"
	"net"
	"net/netip"
	"path/filepath"
	"strconv"

	"launcher/preforker/hint"
)

// Listener is what a whole file needs beside its site.
type Listener struct {
	Address string // IP address to listen at; empty: 127.0.0.1
	Port    int
	Temp    string // folder for what the web server makes while it runs: spooled bodies, its pid file
	Root    bool   // it is started by root
}

// Check returns an error unless every part of the listener can be written down.
func (l Listener) Check(names Names) error {
	if ip, err := netip.ParseAddr(l.address()); err != nil || ip.Zone() != "" {
		return hint.Errorf(`give an IP address, like "127.0.0.1", "0.0.0.0" or "::1"`, "listen at %q: not an IP address", l.Address)
	}
	if err := names.check("folder for temporary files", l.Temp, names.Folder); err != nil {
		return err
	}
	return checkPort(l.Port)
}

// IP is the address to listen at.
func (l Listener) IP() netip.Addr { return netip.MustParseAddr(l.address()) }

// HostPort is the address and the port, an IPv6 address in brackets.
func (l Listener) HostPort() string { return net.JoinHostPort(l.IP().String(), strconv.Itoa(l.Port)) }

// Prefix begins the names of what the web server makes while it runs.
func (l Listener) Prefix() string {
	return filepath.Join(l.Temp, fmt.Sprintf("launcher-%d", l.Port))
}

func (l Listener) address() string {
	if l.Address == "" {
		return "127.0.0.1"
	}
	return l.Address
}
