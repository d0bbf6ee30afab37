package control

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"launcher/preforker/hint"
)

var errForeign = hint.Errorf("open the page at its own address, and ask there", "a page of another site has had a browser send this request")

// CheckOrigin refuses what a page of another site has had a browser send: a request that would change something, and any
// whose host is the name of a domain, which its owner may have led here. Addresses, names without a dot and those
// that are given are nobody else's.
func CheckOrigin(r *http.Request, names ...string) (status int, err error) {
	if !isOwn(r.Host, names) {
		return http.StatusMisdirectedRequest, hint.Errorf("ask for it by its address, or as localhost", "this is not the host %.200q", r.Host)
	}
	var protection http.CrossOriginProtection
	if protection.Check(r) != nil {
		return http.StatusForbidden, errForeign
	}
	return http.StatusOK, nil
}

// isOwn says whether no other site can have a browser send this host.
func isOwn(host string, names []string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.Trim(host, "[]")
	if _, err := netip.ParseAddr(host); err == nil || !strings.Contains(host, ".") {
		return true
	}
	return slices.ContainsFunc(names, func(name string) bool { return strings.EqualFold(name, host) })
}
