package sockets

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"launcher/preforker/hint"
	"launcher/preforker/linux"
	"launcher/preforker/proc"
)

// The place of a slot's socket is the path of a unix socket, which is absolute, or an address of TCP with a
// port.

// IsPort says whether a place is an address of TCP.
func IsPort(place string) bool { return place != "" && !strings.HasPrefix(place, "/") }

// Network is the one of a place, for who connects to it.
func Network(place string) string {
	if IsPort(place) {
		return "tcp"
	}
	return "unix"
}

// portOf is the port of a place, 0 of a path.
func portOf(place string) int {
	if !IsPort(place) {
		return 0
	}
	_, port, _ := net.SplitHostPort(place)
	number, _ := strconv.Atoi(port)
	return number
}

// maxPort is the last port that there is.
const maxPort = 1<<16 - 1

// CheckPorts refuses ports that are not there.
func CheckPorts(first netip.AddrPort, slots int) error {
	if last := int(first.Port()) + slots - 1; first.Port() == 0 || last > maxPort {
		return fmt.Errorf("%d ports from %d on: a port is from 1 to %d", slots, first.Port(), maxPort)
	}
	return nil
}

// Ports are the places of so many slots on one host, which is an IP address or a name: the port that is given,
// and those that follow it.
func Ports(host string, first, slots int) []string {
	places := make([]string, slots)
	for slot := range places {
		places[slot] = net.JoinHostPort(host, strconv.Itoa(first+slot))
	}
	return places
}

// PortsFrom are the places of so many slots of which the first has this one.
func PortsFrom(place string, slots int) []string {
	host, port, _ := net.SplitHostPort(place)
	first, _ := strconv.Atoi(port)
	return Ports(host, first, slots)
}

// CheckPlaces refuses places that no socket could have.
func CheckPlaces(places []string) error {
	last := places[len(places)-1]
	if !IsPort(last) {
		return CheckPath(last)
	}
	if _, err := netip.ParseAddrPort(last); err != nil {
		return fmt.Errorf("%s: a port is from 1 to %d", last, maxPort)
	}
	return nil
}

const (
	// portPatience is how long workers of a launcher that was killed may take to hear of that, and to stop listening.
	portPatience = 10 * time.Second
	portPause    = 20 * time.Millisecond
)

// bindPorts has the sockets of all slots listen at their ports, or none. Nobody can connect to one before the ports of
// all are taken. While workers of a predecessor may still listen there it tries again for a moment.
func (l *Listeners) bindPorts(predecessor int) error {
	for deadline := time.Now().Add(portPatience); ; time.Sleep(portPause) {
		err := l.tryPorts()
		if err == nil || predecessor == 0 || !errors.Is(err, syscall.EADDRINUSE) || time.Now().After(deadline) {
			return err
		}
	}
}

func (l *Listeners) tryPorts() (err error) {
	var taken []int
	defer func() {
		if err != nil {
			for _, slot := range taken {
				closeListener(l.Take(slot), l.places[slot])
			}
		}
	}()
	for slot, place := range l.places {
		if l.bound[slot].Listener != nil {
			continue // given
		}
		if l.bound[slot], err = takePort(place); err != nil {
			return err
		}
		taken = append(taken, slot)
	}
	for slot, bound := range l.bound {
		if err := linux.ListenTCP(bound.Listener); err != nil {
			return portError(l.places[slot], err)
		}
	}
	return nil
}

// bindPort has a socket listen at a port. Its errors name the port, and say what to do.
func bindPort(place string) (Bound, error) {
	bound, err := takePort(place)
	if err != nil {
		return Bound{}, err
	}
	if err := linux.ListenTCP(bound.Listener); err != nil {
		_ = bound.Listener.Close()
		return Bound{}, portError(place, err)
	}
	return bound, nil
}

func takePort(place string) (Bound, error) {
	address, err := netip.ParseAddrPort(place)
	if err != nil {
		return Bound{}, fmt.Errorf("bind port: %w", err)
	}
	listener, err := linux.BindTCP(address)
	if err != nil {
		return Bound{}, portError(place, err)
	}
	socket, err := listener.Stat()
	if err != nil {
		_ = listener.Close()
		return Bound{}, fmt.Errorf("look at the socket of %s: %w", place, err)
	}
	return Bound{Listener: listener, Inode: socket.Sys().(*syscall.Stat_t).Ino}, nil
}

// PortTaken says who has a port that cannot be had at an address, as far as that can be seen, and what to do about it; "": it is this
// process.
func PortTaken(host, port string) (who, try string) {
	switch pid := proc.PortListener(host, port); pid {
	case os.Getpid():
		return "this launcher listens there already", ""
	case 0:
		return "somebody has port " + port, fmt.Sprintf("see who it is (ss -tanp 'sport = :%s')", port)
	case 1:
		return fmt.Sprintf("the process 1 (%s) listens on port %s for a service", proc.Title(pid), port), "see which one it is (systemctl list-sockets)"
	default:
		return fmt.Sprintf("the process %d (%s) listens on port %s", pid, proc.Title(pid), port), fmt.Sprintf("stop it (ps %d)", pid)
	}
}

// portError says why a port cannot be had, and what to do.
func portError(place string, err error) error {
	const other = "choose another port with --listen"
	host, port, _ := net.SplitHostPort(place)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		who, try := PortTaken(host, port)
		if try == "" {
			return hint.Errorf(other+", or another one with --http", "bind %s: %s: %w", place, who, err)
		}
		return hint.Errorf(try+", or "+other, "bind %s: %s: %w", place, who, err)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return hint.Errorf("name one that it has (ip address), or 0.0.0.0 for all", "bind %s: this host has no such address: %w", place, err)
	case errors.Is(err, syscall.EACCES):
		return hint.Errorf("choose a port from 1024 on with --listen", "bind %s: %w", place, err)
	}
	return hint.Errorf(other, "bind %s: %w", place, err)
}
