package preforker

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
)

// Allow are the addresses that connections may come from. Whoever connects says who the visitor is, and FastCGI has no
// authentication. Nil admits everybody: of a unix socket the permissions of its file decide.
type Allow []netip.Prefix

// Admits says whether a connection may come from an address.
func (a Allow) Admits(from net.Addr) bool {
	if a == nil {
		return true
	}
	tcp, is := from.(*net.TCPAddr)
	return is && a.Contains(tcp.AddrPort().Addr())
}

// Contains says whether an address is among them.
func (a Allow) Contains(address netip.Addr) bool {
	address = address.Unmap().WithZone("")
	return slices.ContainsFunc(a, func(p netip.Prefix) bool { return p.Contains(address) })
}

// admitsOwn says whether this process may connect to a slot's place itself. To a port it does so from the port's own address.
func (a Allow) admitsOwn(place string) bool {
	if a == nil {
		return true
	}
	address, err := netip.ParseAddrPort(place)
	return err == nil && a.Contains(OwnAddress(address.Addr()))
}

// OwnAddress is what a process of this host has as its own address when it connects to one of the host's.
func OwnAddress(listening netip.Addr) netip.Addr {
	switch listening {
	case netip.IPv4Unspecified():
		return netip.AddrFrom4([4]byte{127, 0, 0, 1})
	case netip.IPv6Unspecified():
		return netip.IPv6Loopback()
	}
	return listening
}

// setting is what the Ruby side is told (scripts/worker/guard.rb): a line for each, of the family (4 or 6) and the bits that
// an address begins with.
func (a Allow) setting() string {
	var lines []string
	for _, prefix := range a {
		var bits strings.Builder
		for _, b := range prefix.Addr().AsSlice() {
			fmt.Fprintf(&bits, "%08b", b)
		}
		family := "6"
		if prefix.Addr().Is4() {
			family = "4"
		}
		lines = append(lines, family+bits.String()[:prefix.Bits()])
	}
	return strings.Join(lines, "\n")
}
