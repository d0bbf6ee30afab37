package fcgi

import (
	"net/http"
	"slices"
	"strings"
)

// HeaderParams returns the HTTP_* variables of a request's header, sorted by name. Host is not
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
	removeHopByHop(end)
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

// removeHopByHop removes the fields that speak of one connection alone, and those
// that Connection names (RFC 9110, section 7.6.1).
func removeHopByHop(header http.Header) {
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
