//go:build linux

package cli

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"launcher/preforker"
	"launcher/preforker/sockets"
)

// webServerAddrs is the variable by which libfcgi and php-cgi are told who may connect.
const webServerAddrs = "FCGI_WEB_SERVER_ADDRS"

func listenFlag() cli.Flag {
	return &cli.StringFlag{Name: optListen, EnvVars: env(optListen),
		Usage:       "have the workers listen at `HOST:PORT` and the ports that follow it, one each (127.0.0.1:9000), and not at unix sockets",
		DefaultText: "unix sockets"}
}

func listenAllowFlag() cli.Flag {
	return &cli.StringSliceFlag{Name: optListenAllow, EnvVars: append(env(optListenAllow), webServerAddrs),
		Usage: "with --listen: take connections from this `ADDRESS` alone, or this network (10.0.0.0/8); may be repeated, or several with " +
			"commas between", DefaultText: "whoever can connect"}
}

// lookupTimeout bounds the search for the address of a name.
const lookupTimeout = 10 * time.Second

// listenAddress reads where the first worker listens.
func listenAddress(ctx context.Context, text string) (netip.AddrPort, error) {
	const example = "--listen 127.0.0.1:9000"
	host, port, err := hostPort(text)
	if err != nil {
		return netip.AddrPort{}, usageErrorf(example, "read --%s: %w", optListen, err)
	}
	address, err := netip.ParseAddr(host)
	if err != nil {
		if address, err = addressOf(ctx, host, port); err != nil {
			return netip.AddrPort{}, err
		}
	}
	address = address.Unmap()
	switch {
	case address.Zone() != "":
		err = fmt.Errorf("%q has a zone, which no web server's configuration can name", host)
	case address.IsMulticast() || address == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		err = fmt.Errorf("nobody can connect to %s", address)
	default:
		return netip.AddrPortFrom(address, uint16(port)), nil
	}
	return netip.AddrPort{}, usageErrorf(example, "read --%s: %w", optListen, err)
}

// hostPort takes an address with a port apart, which are both to be there. A port has no name: those that follow it have none.
func hostPort(text string) (host string, port int, err error) {
	host, number, err := net.SplitHostPort(text)
	switch {
	case err != nil || number == "":
		return "", 0, fmt.Errorf("%q is not an address with a port", text)
	case host == "":
		return "", 0, fmt.Errorf("%q names no address; all of this host's are 0.0.0.0", text)
	case !wholeNumber.MatchString(number):
		return "", 0, fmt.Errorf("%q is not a number of a port", number)
	}
	if port, err = strconv.Atoi(number); err != nil || port < 1 || port > maxPort || number[0] == '+' {
		return "", 0, fmt.Errorf("a port is from 1 to %d, not %s", maxPort, number)
	}
	return host, port, nil
}

const maxPort = 65535

// addressOf returns the address of a name, which is to have one alone: a slot has one socket.
func addressOf(ctx context.Context, name string, port int) (netip.Addr, error) {
	bounded, cancel := context.WithTimeout(ctx, lookupTimeout)
	defer cancel()
	found, err := net.DefaultResolver.LookupNetIP(bounded, "ip", name)
	if err != nil {
		return netip.Addr{}, usageErrorf("--listen 127.0.0.1:9000", "read --%s: %w", optListen, err)
	}
	var names []string
	for _, address := range found {
		names = append(names, address.Unmap().String())
	}
	slices.Sort(names)
	if names = slices.Compact(names); len(names) != 1 {
		return netip.Addr{}, usageErrorf("--listen "+net.JoinHostPort(names[0], strconv.Itoa(port)),
			"read --%s: %s has several addresses: %s", optListen, name, strings.Join(names, ", "))
	}
	return found[0], nil
}

// places are where the workers' sockets are.
func (s site) places(workers int) []string {
	if !s.listen.IsValid() {
		return sockets.Paths(s.socketDir, workers)
	}
	return sockets.Ports(s.listen.Addr().String(), int(s.listen.Port()), workers)
}

// targets are where whoever is on this host connects to the workers: of a port at all addresses the host's own one.
func (s site) targets(workers int) []string {
	if s.listen.IsValid() {
		s.listen = netip.AddrPortFrom(preforker.OwnAddress(s.listen.Addr()), s.listen.Port())
	}
	return s.places(workers)
}

// checkPlaces refuses sockets that so many workers could not have.
func (s site) checkPlaces(workers int) error {
	if !s.listen.IsValid() {
		return sockets.CheckPaths(s.socketDir, workers)
	}
	if err := sockets.CheckPorts(s.listen, workers); err != nil {
		return usageErrorf("--listen 127.0.0.1:9000", "read --%s: %w", optListen, err)
	}
	return nil
}

// listenAllow reads who may connect; nil: whoever can.
func listenAllow(lists []string) (allow preforker.Allow, err error) {
	err = each(listed(lists), func(text string) error {
		prefix, err := netip.ParsePrefix(text)
		if address, single := netip.ParseAddr(text); single == nil && address.Zone() == "" {
			address = address.Unmap()
			prefix, err = netip.PrefixFrom(address, address.BitLen()), nil
		}
		if err != nil || prefix.Addr().Is4In6() {
			return usageErrorf("--listen-allow 10.0.0.5", "read --%s: %q is neither an IP address nor a network such as 10.0.0.0/8", optListenAllow, text)
		}
		allow = append(allow, prefix.Masked())
		return nil
	})
	return allow, err
}

// readListen reads the options of ports.
func readListen(ctx *cli.Context, where site, config *preforker.Config) (err error) {
	if !where.listen.IsValid() {
		return nil
	}
	config.Listen = where.places(config.Workers)
	if config.Allow, err = listenAllow(ctx.StringSlice(optListenAllow)); err != nil {
		return err
	}
	own := preforker.OwnAddress(where.listen.Addr())
	if config.Allow != nil && len(listed(ctx.StringSlice(optHTTP))) > 0 && !config.Allow.Contains(own) {
		return usageErrorf(fmt.Sprintf("--listen-allow %s, too", own), "read --%s: --%s connects from %s, which is not named", optListenAllow, optHTTP, own)
	}
	return nil
}

// openPorts warns of ports that more can reach than a web server: FastCGI has no authentication.
func openPorts(where site, allow preforker.Allow) []string {
	address := where.listen.Addr()
	if !where.listen.IsValid() || allow != nil || address.IsLoopback() || address.IsPrivate() || address.IsLinkLocalUnicast() {
		return nil
	}
	return []string{fmt.Sprintf("whoever can connect to %s is believed like a web server, whatever visitor and user a request says it is of: FastCGI has no "+
		"authentication (--%s names who may connect, a firewall keeps others out)", where.listen, optListenAllow)}
}

// hostName is what a host may be called in a web server's configuration, besides an IP address.
var hostName = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9._-]*[A-Za-z0-9])?$`)

// hostPlaces are the ports of so many workers on each of several hosts. The first workers of all hosts come first: a web server
// prefers those, and the hosts share the load from the first two requests on.
func hostPlaces(hosts []string, workers int) (places []string, err error) {
	var each [][]string
	for _, text := range hosts {
		host, port, err := hostPort(text)
		if err == nil && port+workers-1 > maxPort {
			err = fmt.Errorf("%d ports from %d on: a port is from 1 to %d", workers, port, maxPort)
		}
		if address, bad := netip.ParseAddr(host); err == nil && (bad == nil && address.Zone() != "" || bad != nil && !hostName.MatchString(host)) {
			err = fmt.Errorf("%q is neither an IP address nor the name of a host", host)
		}
		if err != nil {
			return nil, usageErrorf("--host 10.0.0.1:9000", "read --%s: %w", optHost, err)
		}
		each = append(each, sockets.Ports(host, port, workers))
	}
	for slot := range workers {
		for _, ports := range each {
			if slices.Contains(places, ports[slot]) {
				return nil, usageErrorf("--host 10.0.0.1:9000 --host 10.0.0.2:9000", "read --%s: %s comes twice", optHost, ports[slot])
			}
			places = append(places, ports[slot])
		}
	}
	return places, nil
}
