//go:build linux

package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"syscall"

	"launcher/preforker"
	"launcher/preforker/hint"
	"launcher/preforker/linux"
	"launcher/preforker/sockets"
)

// ownSocket is a listening one where the launcher tells of itself.
type ownSocket struct {
	listener net.Listener // nil: there is none
	others   bool         // somebody else has bound it, and keeps it
}

// listenOwn takes the socket of an address up that this process was started with, else makes one.
func listenOwn(address string, given *givenSockets) (s ownSocket, err error) {
	if one := given.takeHTTP(httpAddress{network: "tcp", address: address}); one != nil {
		s.others = !one.kept
		s.listener, err = takeListener(one)
		return s, err
	}
	s.listener, err = listenTCP(address)
	return s, err
}

// listenTCP listens at an address and a port. 0.0.0.0 is all addresses of IPv4 alone, as with --listen; net.Listen would take those of IPv6
// as well, which a firewall may know nothing of.
func listenTCP(address string) (net.Listener, error) {
	network := "tcp"
	if host, _, err := net.SplitHostPort(address); err == nil && host == netip.IPv4Unspecified().String() {
		network = "tcp4"
	}
	// A listener of MPTCP, which Go would make, has a second socket below it that linux.HideTCP does not reach on each kernel.
	var config net.ListenConfig
	config.SetMultipathTCP(false)
	listener, err := config.Listen(context.Background(), network, address)
	if err != nil {
		return nil, taken(address, err)
	}
	return listener, nil
}

// taken has an error of an address where somebody listens already say who does.
func taken(address string, err error) error {
	host, service, malformed := net.SplitHostPort(address)
	if malformed != nil || !errors.Is(err, syscall.EADDRINUSE) {
		return err
	}
	port, broken := net.LookupPort("tcp", service)
	if broken != nil {
		return err
	}
	who, try := sockets.PortTaken(host, strconv.Itoa(port))
	return hint.Errorf(try, "%s: %w", who, err)
}

// another is what to do where an address cannot be had: what there is to do about who has it, or to choose another one.
func another(choose string, err error) string {
	if try := hint.Of(err); try != "" && errors.Is(err, syscall.EADDRINUSE) {
		return try + ", or " + choose
	}
	return choose
}

// inherit makes a copy, which is there when this process closes its own.
func (s ownSocket) inherit() (copies []preforker.Inherited, err error) {
	socket, is := s.listener.(syscall.Conn)
	if !is {
		return nil, nil
	}
	fd, err := linux.Duplicate(socket)
	if err != nil {
		return nil, fmt.Errorf("copy the socket of %s: %w", s.listener.Addr(), err)
	}
	name := keptHTTP // a launcher that has no such option, or another address, closes it
	if s.others {
		name = givenHTTPName
	}
	return []preforker.Inherited{{Name: name, FD: fd}}, nil
}

func (s ownSocket) close() {
	if s.listener != nil {
		_ = s.listener.Close() // who serves there may have done so
	}
}
