package linux

import (
	"net/netip"
	"testing"

	"golang.org/x/sys/unix"
)

// TestHandshakes: a connection is one until it is in the queue, which the kernel puts off here until its client has sent a byte.
func TestHandshakes(t *testing.T) {
	for _, host := range []string{"127.0.0.1", "::1"} {
		t.Run(host, func(t *testing.T) {
			listener, address := listenTCP(t, host)
			if err := unix.SetsockoptInt(int(listener.Fd()), unix.IPPROTO_TCP, unix.TCP_DEFER_ACCEPT, 60); err != nil {
				t.Fatal(err)
			}
			count := func(address netip.AddrPort, want int) {
				t.Helper()
				if n, err := Handshakes(int(address.Port())); n != want || err != nil {
					t.Errorf("%d handshakes at %v, %v, want %d", n, address, err, want)
				}
			}
			count(address, 0)
			client := dial(t, address)
			another, other := listenTCP(t, host)
			dial(t, other)
			accepted(t, another)
			count(other, 0)
			if err := HideTCP(listener); err != nil {
				t.Fatal(err)
			}
			count(address, 1)
			if _, err := client.Write([]byte("x")); err != nil {
				t.Fatal(err)
			}
			accepted(t, listener)
			count(address, 0)
		})
	}
}
