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
func HeaderParams(header http.Header) Params { return AppendHeaderParams(nil, header) }

// AppendHeaderParams appends them.
func AppendHeaderParams(params Params, header http.Header) Params {
	if named := header["Connection"]; len(named) > 0 && !harmless(named) {
		header = header.Clone()
		removeHopByHop(header)
	}
	from := len(params)
	for name, values := range header {
		if hopByHop(name) || notForApplications(name) || strings.Contains(name, "_") {
			continue
		}
		params = append(params, Param{headerVariable(name), joinValues(name, values)})
	}
	slices.SortFunc(params[from:], func(a, b Param) int { return strings.Compare(a.Name, b.Name) })
	return params
}

// harmless tells whether Connection names no other fields, as is usual.
func harmless(values []string) bool {
	return len(values) == 1 && (strings.EqualFold(values[0], "keep-alive") || strings.EqualFold(values[0], "close"))
}

func notForApplications(name string) bool {
	switch name {
	case "Content-Type", "Content-Length", "Host", "Proxy", "Expect", "X-Sendfile-Type", "X-Accel-Mapping":
		return true
	}
	return false
}

func joinValues(name string, values []string) string {
	if len(values) == 1 {
		return values[0]
	}
	if name == "Cookie" {
		return strings.Join(values, "; ") // RFC 6265, section 5.4
	}
	return strings.Join(values, ", ")
}

// headerVariable returns the variable of a field: User-Agent is HTTP_USER_AGENT.
func headerVariable(name string) string {
	if variable, ok := usualVariables[name]; ok {
		return variable
	}
	return variableOf(name)
}

func variableOf(name string) string {
	return "HTTP_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
}

// usualVariables are those of what browsers and proxies send.
var usualVariables = func() map[string]string {
	variables := map[string]string{}
	for _, name := range []string{"Accept", "Accept-Encoding", "Accept-Language", "Authorization", "Cache-Control", "Cookie", "Dnt",
		"If-Modified-Since", "If-None-Match", "Origin", "Pragma", "Priority", "Range", "Referer", "Sec-Ch-Ua", "Sec-Ch-Ua-Mobile", "Sec-Ch-Ua-Platform",
		"Sec-Fetch-Dest", "Sec-Fetch-Mode", "Sec-Fetch-Site", "Sec-Fetch-User", "Sec-Gpc", "Upgrade-Insecure-Requests", "User-Agent",
		"X-Csrf-Token", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-Ip", "X-Request-Id", "X-Request-Start", "X-Requested-With"} {
		variables[name] = variableOf(name)
	}
	return variables
}()

// hopByHop tells whether a field speaks of one connection alone.
func hopByHop(name string) bool {
	switch name {
	case "Connection", "Keep-Alive", "Proxy-Connection", "Proxy-Authenticate", "Proxy-Authorization", "Te", "Trailer",
		"Transfer-Encoding", "Upgrade":
		return true
	}
	return false
}

// removeHopByHop removes the fields that speak of one connection alone, and those
// that Connection names (RFC 9110, section 7.6.1).
func removeHopByHop(header http.Header) {
	for _, value := range header["Connection"] {
		for name := range strings.SplitSeq(value, ",") {
			header.Del(strings.TrimSpace(name))
		}
	}
	for name := range header {
		if hopByHop(name) {
			delete(header, name)
		}
	}
}
