package fcgi

import "path/filepath"

// Network is that of an address: "unix" of the absolute path of a socket, else "tcp" of a host and a port.
func Network(address string) string {
	if filepath.IsAbs(address) {
		return "unix"
	}
	return "tcp"
}
