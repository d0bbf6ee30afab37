//go:build linux

package cli

import (
	"net"
	"strings"
	"testing"

	"launcher/preforker/linux"
)

// TestListenTCPAtAllAddressesOfIPv4: where 0.0.0.0 is named nobody is let in by IPv6, whose firewall may be another one.
func TestListenTCPAtAllAddressesOfIPv4(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{"0.0.0.0:0": "0.0.0.0:", "127.0.0.1:0": "127.0.0.1:"} {
		own, err := listenOwn(address, &givenSockets{})
		if err != nil {
			t.Fatal(err)
		}
		defer own.close()
		http, err := (&httpListener{given: &givenSockets{}}).bind(httpAddress{network: "tcp", address: address}, linux.SocketOptions{})
		if err != nil {
			t.Fatal(err)
		}
		defer http.Close()
		for _, listener := range []net.Listener{own.listener, http} {
			if at := listener.Addr().String(); !strings.HasPrefix(at, want) {
				t.Errorf("%s: listens at %s", address, at)
			}
		}
	}
}
