//go:build linux

package cli

import (
	"net"
	"strings"
)

// monitorAddress is an option that names where the launcher alone is told of.
type monitorAddress struct{ option, page, example string }

// read reads an address and a port. It is "" where the option is.
func (m monitorAddress) read(text string) (string, error) {
	try := "--" + m.option + " " + m.example
	switch {
	case text == "":
		return "", nil
	case strings.HasPrefix(text, unixPrefix), strings.HasPrefix(text, "/"):
		return "", usageErrorf("curl --unix-socket log/launcher.sock http://launcher/"+m.page+", or "+try,
			"read --%s: %q is no address with a port; at a unix socket, that of launcher status, the same is told without an option", m.option, text)
	case strings.Contains(text, "://"):
		return "", usageErrorf(try, "read --%s: %q is a URL, not an address with a port", m.option, text)
	}
	host, port, err := net.SplitHostPort(text)
	if err != nil || port == "" || strings.ContainsAny(host, " /,") {
		return "", usageErrorf(try, "read --%s: %q is not an address with a port", m.option, text)
	}
	if _, err := net.LookupPort("tcp", port); err != nil {
		return "", usageErrorf(try, "read --%s: %q is not a port from 0 to 65535", m.option, port)
	}
	return text, nil
}
