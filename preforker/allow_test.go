package preforker

import (
	"net"
	"net/netip"
	"testing"
)

func TestAllow(t *testing.T) {
	allow := Allow{netip.MustParsePrefix("10.0.0.5/32"), netip.MustParsePrefix("192.168.0.0/22"), netip.MustParsePrefix("fd00::/8")}
	for address, want := range map[string]bool{
		"10.0.0.5": true, "10.0.0.50": false, "192.168.3.255": true, "192.168.4.0": false, "fd12::1": true, "fe80::1%eth0": false,
		"::ffff:10.0.0.5": true, "a00:5::": false,
	} {
		from := &net.TCPAddr{IP: net.ParseIP(netip.MustParseAddr(address).WithZone("").String()), Port: 4711}
		if got := allow.Admits(from); got != want {
			t.Errorf("%s: %v", address, got)
		}
		if !Allow(nil).Admits(from) {
			t.Errorf("%s is kept out where nobody is", address)
		}
	}
	if allow.Admits(&net.UnixAddr{Name: "/tmp/x", Net: "unix"}) {
		t.Error("a unix socket is among them")
	}
	for place, want := range map[string]bool{"10.0.0.5:9000": true, "10.0.0.6:9000": false, "0.0.0.0:9000": false, "[fd00::1]:9000": true} {
		if got := allow.admitsOwn(place); got != want {
			t.Errorf("this host at %s: %v", place, got)
		}
	}
	if own := (Allow{netip.MustParsePrefix("127.0.0.0/8")}); !own.admitsOwn("0.0.0.0:9000") || !Allow(nil).admitsOwn("/srv/log/fastcgi.socket-0") {
		t.Error("this host is kept out")
	}
	if got, want := allow.setting(), "400001010000000000000000000000101\n4"+"1100000010101000000000"+"\n6"+"11111101"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
