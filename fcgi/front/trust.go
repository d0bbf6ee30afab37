package front

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

const headerRequestStart = "X-Request-Start"

// claims are the headers, beside those that begin with X-Forwarded, in which a proxy says where a request comes from
// and when it came.
var claims = []string{"Forwarded", "Client-Ip", "X-Client-Ip", "X-Real-Ip", headerRequestStart, "X-Queue-Start"}

func isClaim(name string) bool {
	return strings.HasPrefix(name, "X-Forwarded") || slices.Contains(claims, name)
}

// Loopback is the addresses of this machine alone.
func Loopback() []netip.Prefix {
	return []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
}

// trusts tells whether the peer of a request is a proxy whose claims are passed on. Who reaches a unix socket was let
// in by its mode.
func (h *Handler) trusts(r *http.Request) bool {
	if local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok && strings.HasPrefix(local.Network(), "unix") {
		return true
	}
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	return err == nil && h.isProxy(peer.Addr())
}

func (h *Handler) isProxy(address netip.Addr) bool {
	address = address.Unmap().WithZone("")
	return slices.ContainsFunc(h.config.TrustedProxies, func(p netip.Prefix) bool { return p.Contains(address) })
}

// judgeClaims takes the claims of those who are not trusted out of a request, and notes when it came, so that the
// application can tell how long it has waited: in seconds, as nginx does.
func (h *Handler) judgeClaims(r *http.Request, trusted bool) {
	if !trusted {
		for name := range r.Header {
			if isClaim(name) {
				delete(r.Header, name)
				h.warnedOf.Do(func() {
					h.log.Warn("headers of a proxy that is not trusted are dropped (--trusted-proxy)", keyPeer, r.RemoteAddr, keyHeader, name)
				})
			}
		}
	}
	if r.Header.Get(headerRequestStart) == "" {
		r.Header.Set(headerRequestStart, requestStart(time.Now()))
	}
}

// requestStart is a time as nginx writes it: t=1764170000.123.
func requestStart(t time.Time) string {
	text := strconv.AppendInt(append(make([]byte, 0, 16), "t="...), t.UnixMilli(), 10)
	text = append(text, 0)
	copy(text[len(text)-3:], text[len(text)-4:])
	text[len(text)-4] = '.'
	return string(text)
}

// clientOf returns the address of a request's client: behind trusted proxies, the last one of X-Forwarded-For that is
// none of them.
func (h *Handler) clientOf(r *http.Request, trusted bool) string {
	client := "unix:"
	if host, _, err := net.SplitHostPort(r.RemoteAddr); err == nil {
		client = host
	}
	if !trusted {
		return client
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, hop := range slices.Backward(hops) {
		address, err := netip.ParseAddr(strings.TrimSpace(hop))
		if err != nil {
			break
		}
		client = address.String()
		if !h.isProxy(address) {
			break
		}
	}
	return client
}
