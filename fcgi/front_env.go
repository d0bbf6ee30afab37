package fcgi

import (
	"errors"
	"net"
	"net/http"
	"slices"
	"strings"
)

// errHost is a Host header that names no host.
var errHost = errors.New("host header is malformed")

// environment builds the CGI environment of a request (RFC 3875, section 4.1).
// pathInfo is the decoded path below the prefix. CONTENT_LENGTH is left to the
// client, which knows what is sent, except where the peer named a length of 0.
func (f *Front) environment(r *http.Request, pathInfo string) (Params, error) {
	scheme, port := "http", "80"
	if r.TLS != nil {
		scheme, port = "https", "443"
	}
	host, port, err := serverName(r, port)
	if err != nil {
		return nil, err
	}
	params := Params{
		{"GATEWAY_INTERFACE", "CGI/1.1"},
		{"SERVER_SOFTWARE", f.config.Software},
		{"SERVER_PROTOCOL", r.Proto},
		{"SERVER_NAME", host},
		{"SERVER_PORT", port},
		{"REQUEST_METHOD", r.Method},
		{"REQUEST_SCHEME", scheme},
		{"REQUEST_URI", requestURI(r)},
		{"SCRIPT_NAME", f.config.Prefix},
		{"PATH_INFO", pathInfo},
		{"QUERY_STRING", r.URL.RawQuery},
	}
	if f.config.Public != "" {
		params = append(params, Param{"DOCUMENT_ROOT", f.config.Public})
	}
	if r.TLS != nil {
		params = append(params, Param{"HTTPS", "on"})
	}
	params = append(params, addresses(r)...)
	if value := r.Header.Get("Content-Type"); value != "" {
		params = append(params, Param{"CONTENT_TYPE", value})
	}
	if r.ContentLength == 0 && r.Header.Get("Content-Length") != "" {
		params = append(params, Param{"CONTENT_LENGTH", "0"})
	}
	if r.Host != "" {
		params = append(params, Param{"HTTP_HOST", r.Host})
	}
	return append(params, HeaderParams(r.Header)...), nil
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

func localAddress(r *http.Request) (host, port string) {
	addr, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if !ok || strings.HasPrefix(addr.Network(), "unix") {
		return "", ""
	}
	host, port, err := net.SplitHostPort(addr.String())
	if err != nil {
		return "", ""
	}
	return host, port
}

// addresses are both ends of the connection. A client on a unix socket has no
// address: REMOTE_ADDR, which must be there, is empty then.
func addresses(r *http.Request) Params {
	params := Params{{"REMOTE_ADDR", ""}}
	if host, port, err := net.SplitHostPort(r.RemoteAddr); err == nil {
		params = Params{{"REMOTE_ADDR", host}, {"REMOTE_PORT", port}}
	}
	if host, _ := localAddress(r); host != "" {
		params = append(params, Param{"SERVER_ADDR", host})
	}
	return params
}

// HeaderParams are the HTTP_* variables of a request's header, sorted by name. Host is not
// among them: net/http keeps it apart.
//
// Three kinds of names are dropped. Proxy would become HTTP_PROXY, which HTTP
// libraries in the application take for their own setting (CVE-2016-5385). A
// name with an underscore would become the same variable as the one with a
// hyphen, so that a client could pass for a proxy in front of it. X-Sendfile-Type and
// X-Accel-Mapping are a web server's to say: a client would choose for Rack::Sendfile
// (CVE-2025-61780).
func HeaderParams(header http.Header) Params {
	end := header.Clone()
	dropHopByHop(end)
	for _, name := range []string{"Content-Type", "Content-Length", "Host", "Proxy", "Expect", "X-Sendfile-Type", "X-Accel-Mapping"} {
		delete(end, name)
	}
	var params Params
	for name, values := range end {
		if strings.Contains(name, "_") {
			continue
		}
		separator := ", "
		if name == "Cookie" {
			separator = "; " // RFC 6265, section 5.4
		}
		variable := "HTTP_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
		params = append(params, Param{variable, strings.Join(values, separator)})
	}
	slices.SortFunc(params, func(a, b Param) int { return strings.Compare(a.Name, b.Name) })
	return params
}

// dropHopByHop removes the fields that speak of one connection alone, and those
// that Connection names (RFC 9110, section 7.6.1).
func dropHopByHop(header http.Header) {
	for _, value := range header["Connection"] {
		for name := range strings.SplitSeq(value, ",") {
			header.Del(strings.TrimSpace(name))
		}
	}
	for _, name := range []string{"Connection", "Keep-Alive", "Proxy-Connection", "Proxy-Authenticate",
		"Proxy-Authorization", "Te", "Trailer", "Transfer-Encoding", "Upgrade"} {
		delete(header, name)
	}
}
