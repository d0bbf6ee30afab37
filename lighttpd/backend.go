package lighttpd

import (
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
)

// connectTimeout is how long lighttpd may take to connect to a port, in seconds: the time in which the kernel asks twice. Without it
// it would wait for minutes for a host that is gone, and each time when the host is tried again.
const connectTimeout = 2

// isPort tells a host with a port from the path of a unix socket.
func isPort(socket string) bool {
	return !strings.Contains(socket, "/") && strings.Contains(socket, ":")
}

// hostName matches what a host may be called besides an IP address.
var hostName = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9._-]*[A-Za-z0-9])?$`)

// splitPort takes a host with a port apart.
func splitPort(socket string) (host string, port int, err error) {
	const try = `give a host and a port, like "10.0.0.1:9000" or "[::1]:9000"`
	host, number, err := net.SplitHostPort(socket)
	if err != nil {
		return "", 0, failf(try, "%w", err)
	}
	if address, bad := netip.ParseAddr(host); bad == nil && address.Zone() != "" || bad != nil && !hostName.MatchString(host) {
		return "", 0, failf(try, "%q is neither an IP address nor the name of a host", host)
	}
	if port, err = strconv.Atoi(number); err != nil || port < 1 || port > 65535 {
		return "", 0, failf(try, "%q is no port from 1 to 65535", number)
	}
	return host, port, nil
}

// backend is where lighttpd finds a worker, as an entry of fastcgi.server has it.
func backend(socket string, version Version) string {
	if !isPort(socket) {
		return `"socket" => ` + quote(socket)
	}
	host, port, err := splitPort(socket)
	if err != nil {
		return "" // it was refused before
	}
	entry := fmt.Sprintf(`"host" => %s, "port" => %d`, quote(host), port)
	if version.AtLeast(timeoutVersion()) {
		entry += fmt.Sprintf(`, "connect-timeout" => %d`, connectTimeout)
	}
	return entry
}
