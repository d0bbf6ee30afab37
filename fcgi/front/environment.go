package front

import (
	"errors"
	"net"
	"net/http"
	"strings"
	"sync"

	"launcher/fcgi"
)

// errHost is a Host header that names no host.
var errHost = errors.New("host header is malformed")

// environments are the memory of them.
var environments = sync.Pool{New: func() any {
	params := make(fcgi.Params, 0, 32)
	return &params
}}

func freeEnvironment(params *fcgi.Params) {
	clear(*params) // they hold on to the request
	environments.Put(params)
}

// appendEnvironment appends the CGI environment of a request (RFC 3875, section 4.1).
// pathInfo is the decoded path below the prefix. CONTENT_LENGTH is left to the
// client, which knows what is sent, except where the peer named a length of 0.
func (h *Handler) appendEnvironment(params fcgi.Params, r *http.Request, pathInfo string) (fcgi.Params, error) {
	scheme, port := "http", "80"
	if r.TLS != nil {
		scheme, port = "https", "443"
	}
	host, port, err := serverName(r, port)
	if err != nil {
		return params, err
	}
	params = append(params,
		fcgi.Param{Name: "GATEWAY_INTERFACE", Value: "CGI/1.1"},
		fcgi.Param{Name: "SERVER_SOFTWARE", Value: h.config.Software},
		fcgi.Param{Name: "SERVER_PROTOCOL", Value: r.Proto},
		fcgi.Param{Name: "SERVER_NAME", Value: host},
		fcgi.Param{Name: "SERVER_PORT", Value: port},
		fcgi.Param{Name: "REQUEST_METHOD", Value: r.Method},
		fcgi.Param{Name: "REQUEST_SCHEME", Value: scheme},
		fcgi.Param{Name: "REQUEST_URI", Value: requestURI(r)},
		fcgi.Param{Name: "SCRIPT_NAME", Value: h.config.Prefix},
		fcgi.Param{Name: "PATH_INFO", Value: pathInfo},
		fcgi.Param{Name: "QUERY_STRING", Value: r.URL.RawQuery},
	)
	if h.config.Public != "" {
		params = append(params, fcgi.Param{Name: "DOCUMENT_ROOT", Value: h.config.Public})
	}
	if r.TLS != nil {
		params = append(params, fcgi.Param{Name: "HTTPS", Value: "on"})
	}
	params = appendAddresses(params, r)
	if value := r.Header.Get("Content-Type"); value != "" {
		params = append(params, fcgi.Param{Name: "CONTENT_TYPE", Value: value})
	}
	if r.ContentLength == 0 && r.Header.Get("Content-Length") != "" {
		params = append(params, fcgi.Param{Name: "CONTENT_LENGTH", Value: "0"})
	}
	if r.Host != "" {
		params = append(params, fcgi.Param{Name: "HTTP_HOST", Value: r.Host})
	}
	return fcgi.AppendHeaderParams(params, r.Header), nil
}

// requestURI is the request target as it was sent. Only of the absolute form,
// which servers must take (RFC 9112, section 3.2.2) and applications do not
// know, the path is left.
func requestURI(r *http.Request) string {
	if strings.HasPrefix(r.RequestURI, "/") || r.URL.Scheme == "" {
		return r.RequestURI
	}
	_, rest, _ := strings.Cut(r.RequestURI, "://")
	if slash := strings.IndexAny(rest, "/?"); slash >= 0 && rest[slash] == '/' {
		return rest[slash:]
	} else if slash >= 0 {
		return "/" + rest[slash:]
	}
	return "/"
}

// serverName splits the Host header. Without one, as in HTTP/1.0, it is the
// address that the request came to.
func serverName(r *http.Request, defaultPort string) (name, port string, err error) {
	if r.Host == "" {
		name, port = localAddress(r)
		if name == "" {
			return "localhost", defaultPort, nil
		}
		if strings.Contains(name, ":") {
			name = "[" + name + "]"
		}
		return name, port, nil
	}
	name, port = r.Host, defaultPort
	// The colons of an IPv6 address stand in brackets, which SERVER_NAME keeps
	// (RFC 3875, section 4.1.14).
	if colon := strings.LastIndexByte(r.Host, ':'); colon > strings.LastIndexByte(r.Host, ']') {
		name = r.Host[:colon]
		if digits := r.Host[colon+1:]; digits != "" {
			port = digits
		}
	}
	notDigit := func(c rune) bool { return c < '0' || c > '9' }
	bare := strings.TrimSuffix(strings.TrimPrefix(name, "["), "]")
	if bare == "" || strings.ContainsAny(bare, "[]/ ") || len(bare) == len(name) && strings.Contains(bare, ":") ||
		len(port) > 5 || strings.ContainsFunc(port, notDigit) {
		return "", "", errHost
	}
	return name, port, nil
}

// localAddress is the address that a request came to, "" for a unix socket.
func localAddress(r *http.Request) (host, port string) {
	if c := connOf(r.Context()); c != nil {
		return c.localHost, c.localPort
	}
	addr, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	return splitAddress(addr)
}

func splitAddress(addr net.Addr) (host, port string) {
	if addr == nil || strings.HasPrefix(addr.Network(), "unix") {
		return "", ""
	}
	host, port, err := net.SplitHostPort(addr.String())
	if err != nil {
		return "", ""
	}
	return host, port
}

// appendAddresses appends both ends of the connection. A client on a unix socket has no
// address: REMOTE_ADDR, which must be there, is empty then.
func appendAddresses(params fcgi.Params, r *http.Request) fcgi.Params {
	if host, port, err := net.SplitHostPort(r.RemoteAddr); err == nil {
		params = append(params, fcgi.Param{Name: "REMOTE_ADDR", Value: host}, fcgi.Param{Name: "REMOTE_PORT", Value: port})
	} else {
		params = append(params, fcgi.Param{Name: "REMOTE_ADDR", Value: ""})
	}
	if host, _ := localAddress(r); host != "" {
		params = append(params, fcgi.Param{Name: "SERVER_ADDR", Value: host})
	}
	return params
}
