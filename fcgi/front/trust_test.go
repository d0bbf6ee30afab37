package front

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"regexp"
	"strings"
	"testing"

	"launcher/fcgi/fcgitest"
)

// What a client says of where its request comes from reaches the application where the client is a proxy that is
// trusted.
func TestTrust(t *testing.T) {
	networks := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8::/32")}
	for _, test := range []struct {
		peer    string
		trusted []netip.Prefix
		want    bool
	}{
		{"127.0.0.1:4711", nil, true},
		{"127.8.0.1:4711", nil, true},
		{"[::1]:4711", nil, true},
		{"[::ffff:127.0.0.1]:4711", nil, true},
		{"192.0.2.1:4711", nil, false},
		{"[fe80::1%eth0]:4711", nil, false},
		{"@", nil, false},
		{"", nil, false},
		{"unix", nil, true},
		{"10.1.2.3:4711", networks, true},
		{"[2001:db8::1]:4711", networks, true},
		{"[::ffff:10.1.2.3]:4711", networks, true},
		{"127.0.0.1:4711", networks, false},
		{"11.1.2.3:4711", networks, false},
		{"127.0.0.1:4711", []netip.Prefix{}, false},
		{"unix", []netip.Prefix{}, true},
	} {
		log := &fcgitest.Log{}
		front := New(Config{TrustedProxies: test.trusted, Log: log.Logger()})
		req := httptest.NewRequest("GET", "/", nil)
		if req.RemoteAddr = test.peer; test.peer == "unix" {
			req = req.WithContext(context.WithValue(req.Context(), http.LocalAddrContextKey, &net.UnixAddr{Name: "/s", Net: "unix"}))
		}
		claims := []string{"X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Port", "X-Forwarded-Ssl", "X-Forwarded-Prefix", "Forwarded",
			"X-Real-Ip", "Client-Ip", "X-Client-Ip", "X-Queue-Start"}
		for _, name := range append(claims, "X-Forward", "Accept") {
			req.Header.Set(name, "1")
		}
		if got := front.trusts(req); got != test.want {
			t.Errorf("%s: trusted: %v", test.peer, got)
		}
		front.judgeClaims(req, front.trusts(req))
		for _, name := range claims {
			if passed := req.Header.Get(name) != ""; passed != test.want {
				t.Errorf("%s: %s passed: %v", test.peer, name, passed)
			}
		}
		if req.Header.Get("X-Forward") == "" || req.Header.Get("Accept") == "" {
			t.Error("other headers are gone")
		}
		if log.Contains("--trusted-proxy") == test.want {
			t.Errorf("%s: logged %q", test.peer, log)
		}
	}
}

// The log is not filled by what any client may send.
func TestTrustWarnsOnce(t *testing.T) {
	log := &fcgitest.Log{}
	front := New(Config{TrustedProxies: []netip.Prefix{}, Log: log.Logger()})
	for range 3 {
		req := httptest.NewRequest("GET", "/", nil)
		req.Header.Set("X-Forwarded-For", "1.2.3.4")
		front.judgeClaims(req, false)
	}
	if strings.Count(log.String(), "\n") != 1 {
		t.Errorf("logged %s", log)
	}
}

// An application can tell how long a request has waited, by the time that the first proxy which is trusted has noted.
func TestRequestStart(t *testing.T) {
	own := regexp.MustCompile(`^t=1[0-9]{9}\.[0-9]{3}$`)
	for _, test := range []struct {
		sent    string
		trusted bool
		kept    bool
	}{{"", true, false}, {"t=1234567890.123", true, true}, {"t=1234567890.123", false, false}, {"", false, false}} {
		req := httptest.NewRequest("GET", "/", nil)
		if test.sent != "" {
			req.Header.Set("X-Request-Start", test.sent)
		}
		New(Config{}).judgeClaims(req, test.trusted)
		if got := req.Header.Get("X-Request-Start"); (got == test.sent) != test.kept || !own.MatchString(got) {
			t.Errorf("%+v: got %q", test, got)
		}
	}
}

func TestClientOf(t *testing.T) {
	front := New(Config{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}})
	for _, test := range []struct{ peer, forwarded, want string }{
		{"192.0.2.1:4711", "1.2.3.4", "192.0.2.1"},
		{"[2001:db8::1]:4711", "", "2001:db8::1"},
		{"10.0.0.1:4711", "", "10.0.0.1"},
		{"10.0.0.1:4711", "1.2.3.4", "1.2.3.4"},
		{"10.0.0.1:4711", "6.6.6.6, 1.2.3.4, 10.0.0.2", "1.2.3.4"},
		{"10.0.0.1:4711", "10.0.0.3,10.0.0.2", "10.0.0.3"},
		{"10.0.0.1:4711", "evil\n, 10.0.0.2", "10.0.0.2"},
		{"10.0.0.1:4711", "2001:db8::2", "2001:db8::2"},
	} {
		req := httptest.NewRequest("GET", "/", nil)
		req.RemoteAddr = test.peer
		req.Header.Set("X-Forwarded-For", test.forwarded)
		if got := front.clientOf(req, front.trusts(req)); got != test.want {
			t.Errorf("%+v: got %s", test, got)
		}
	}
}
