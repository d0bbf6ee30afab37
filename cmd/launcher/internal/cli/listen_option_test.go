//go:build linux

package cli

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"launcher/preforker"
	"launcher/preforker/hint"
)

func TestListenAddress(t *testing.T) {
	for text, want := range map[string]string{
		"127.0.0.1:9000": "127.0.0.1:9000", "[::1]:9000": "[::1]:9000", "0.0.0.0:1": "0.0.0.0:1", "[::]:65535": "[::]:65535",
		"[::ffff:10.0.0.1]:9000": "10.0.0.1:9000",
	} {
		if got, err := listenAddress(context.Background(), text); err != nil || got.String() != want {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
	for text, says := range map[string]string{
		"9000": "is not an address with a port", "127.0.0.1": "is not an address with a port", "127.0.0.1:": "is not an address with a port",
		"::1:9000": "is not an address with a port", ":9000": "names no address; all of this host's are 0.0.0.0",
		"127.0.0.1:0": "a port is from 1 to 65535, not 0", "127.0.0.1:65536": "a port is from 1 to 65535", "127.0.0.1:-1": "a port is from 1 to 65535",
		"127.0.0.1:http": "is not a number of a port", "127.0.0.1:+80": "a port is from 1 to 65535", "[fe80::1%eth0]:9000": "has a zone",
		"224.0.0.1:9000": "nobody can connect to 224.0.0.1", "255.255.255.255:9000": "nobody can connect", "unix:/tmp/x": "is not a number of a port",
	} {
		got, err := listenAddress(context.Background(), text)
		if err == nil || !strings.HasPrefix(err.Error(), "read --listen: ") || !strings.Contains(err.Error(), says) || !strings.Contains(hint.Of(err), "--listen 127.0.0.1:9000") {
			t.Errorf("%s: %v, %v, %q", text, got, err, hint.Of(err))
		}
	}
	ended, end := context.WithCancel(context.Background())
	end()                                                                                                                          // nobody is asked
	if got, err := listenAddress(ended, "nobody.invalid:9000"); err == nil || !strings.HasPrefix(err.Error(), "read --listen: ") { // RFC 6761
		t.Errorf("%v, %v", got, err)
	}
}

func TestTargets(t *testing.T) {
	for listen, want := range map[string][2]string{
		"0.0.0.0:9000": {"0.0.0.0:9001", "127.0.0.1:9001"}, "[::]:9000": {"[::]:9001", "[::1]:9001"}, "10.0.0.1:9000": {"10.0.0.1:9001", "10.0.0.1:9001"},
	} {
		where := site{listen: netip.MustParseAddrPort(listen)}
		if got := [2]string{where.places(2)[1], where.targets(2)[1]}; got != want {
			t.Errorf("%s: %q", listen, got)
		}
	}
	unix := site{socketDir: "/run/shop"}
	if got := unix.targets(1); !slices.Equal(got, []string{"/run/shop/fastcgi.socket-0"}) {
		t.Errorf("%q", got)
	}
}

func TestListenAllow(t *testing.T) {
	got, err := listenAllow([]string{"10.0.0.5, 10.1.2.3/8", "::1", "::ffff:10.0.0.6", ""})
	want := preforker.Allow{netip.MustParsePrefix("10.0.0.5/32"), netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("::1/128"), netip.MustParsePrefix("10.0.0.6/32")}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%v, %v", got, err)
	}
	if got, err := listenAllow(nil); got != nil || err != nil {
		t.Errorf("%v, %v", got, err)
	}
	for _, text := range []string{"localhost", "10.0.0.5/33", "10.0.0.5:9000", "fe80::1%eth0", "::ffff:10.0.0.0/104"} {
		if got, err := listenAllow([]string{text}); err == nil || !strings.Contains(err.Error(), "read --listen-allow: ") {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
}

func TestOpenPorts(t *testing.T) {
	allow := preforker.Allow{netip.MustParsePrefix("10.0.0.5/32")}
	for address, want := range map[string]bool{"0.0.0.0:9000": true, "[::]:9000": true, "192.0.2.7:9000": true, "127.0.0.1:9000": false,
		"[::1]:9000": false, "10.0.0.1:9000": false, "[fd00::1]:9000": false} {
		where := site{listen: netip.MustParseAddrPort(address)}
		if got := openPorts(where, nil); len(got) > 0 != want {
			t.Errorf("%s: %q", address, got)
		}
		if got := openPorts(where, allow); got != nil {
			t.Errorf("%s with those who may connect: %q", address, got)
		}
	}
	if got := openPorts(site{}, nil); got != nil {
		t.Errorf("unix sockets: %q", got)
	}
}

func TestHostPlaces(t *testing.T) {
	got, err := hostPlaces([]string{"10.0.0.1:9000", "[::1]:80", "app2.example.com:9000"}, 2)
	if want := []string{"10.0.0.1:9000", "[::1]:80", "app2.example.com:9000", "10.0.0.1:9001", "[::1]:81", "app2.example.com:9001"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("%q, %v", got, err)
	}
	for says, hosts := range map[string][]string{
		"4 ports from 65533 on":         {"10.0.0.1:65533"},
		"10.0.0.1:9001 comes twice":     {"10.0.0.1:9000", "10.0.0.1:9001"},
		"is not an address with a port": {"10.0.0.1"},
		"nor the name of a host":        {`10.0.0.1":9000`},
		"a port is from 1 to 65535":     {"10.0.0.1:0"},
	} {
		if got, err := hostPlaces(hosts, 4); err == nil || !strings.Contains(err.Error(), "read --host: ") || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %q, %v", hosts, got, err)
		}
	}
}
