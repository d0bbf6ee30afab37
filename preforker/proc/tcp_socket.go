//go:build linux

package proc

import (
	"bufio"
	"cmp"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
)

// tcpListener is a TCP socket that listens, as the kernel tells it.
type tcpListener struct {
	inode uint64
	at    netip.AddrPort
	queue int // connections that wait to be accepted
}

// keepsFrom says whether it keeps others from listening at an address of its port; an invalid one is any.
func (l tcpListener) keepsFrom(address netip.Addr) bool {
	its := l.at.Addr()
	return !address.IsValid() || address.IsUnspecified() || its.IsUnspecified() || its == address
}

// tcpTables are the kernel's, of IPv4 and of IPv6.
func tcpTables() []string { return []string{"/proc/net/tcp", "/proc/net/tcp6"} }

// TCPQueues tells how many connections wait to be accepted at each listening TCP socket of this network namespace, by the
// inode of the socket.
func TCPQueues() (map[uint64]int, error) {
	listeners, err := tcpListeners()
	if err != nil {
		return nil, err
	}
	queues := make(map[uint64]int, len(listeners))
	for _, l := range listeners {
		queues[l.inode] = l.queue
	}
	return queues, nil
}

// PortListener returns the pid of a process that is seen to keep others from listening at a host's port; 0: none is. A name, and "", stand for
// any address.
func PortListener(host, port string) (pid int) {
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return 0
	}
	address, _ := netip.ParseAddr(host)
	address = address.Unmap().WithZone("")
	listeners, err := tcpListeners()
	if err != nil {
		return 0
	}
	sockets := map[string]bool{}
	for _, l := range listeners {
		if l.at.Port() == uint16(number) && l.keepsFrom(address) {
			sockets[fmt.Sprintf("socket:[%d]", l.inode)] = true
		}
	}
	if len(sockets) == 0 {
		return 0
	}
	table, err := Processes()
	if err != nil {
		return 0
	}
	for _, p := range table.All() {
		if HasDescriptor(p.Pid, func(link, _ string) bool { return sockets[link] }) {
			return p.Pid
		}
	}
	return 0
}

func tcpListeners() (found []tcpListener, err error) {
	for _, table := range tcpTables() {
		file, err := os.Open(table)
		if errors.Is(err, fs.ErrNotExist) && table != tcpTables()[0] {
			continue // a kernel without IPv6
		}
		if err != nil {
			return nil, fmt.Errorf("read TCP sockets: %w", err)
		}
		listeners, err := parseTCP(file)
		_ = file.Close()
		if err != nil {
			return nil, fmt.Errorf("read TCP sockets of %s: %w", table, err)
		}
		found = slices.Concat(found, listeners)
	}
	return found, nil
}

// tcpListening is the state TCP_LISTEN.
const tcpListening = "0A"

// parseTCP reads a table of the kernel up to the first socket that does not listen: those that do come first, and the
// others may be very many. Of a socket that listens the bytes to be read are the connections that wait.
func parseTCP(table io.Reader) (found []tcpListener, err error) {
	lines := bufio.NewScanner(table)
	for first := true; lines.Scan(); first = false {
		fields := strings.Fields(lines.Text())
		switch {
		case first:
			continue // the names of the columns
		case len(fields) < 10:
			return nil, fmt.Errorf("a line of %d fields", len(fields))
		case fields[3] != tcpListening:
			return found, nil
		}
		_, queue, _ := strings.Cut(fields[4], ":")
		var l tcpListener
		if l.at, err = parseTCPAddress(fields[1]); err != nil {
			return nil, err
		}
		var waiting uint64
		for _, number := range []struct {
			text string
			base int
			into *uint64
		}{{queue, 16, &waiting}, {fields[9], 10, &l.inode}} {
			if *number.into, err = strconv.ParseUint(number.text, number.base, 64); err != nil {
				return nil, err
			}
		}
		l.queue = int(min(waiting, 1<<31-1))
		found = append(found, l)
	}
	return found, lines.Err()
}

// parseTCPAddress reads an address and a port as the kernel writes them: each four bytes of the address as a number of this machine.
func parseTCPAddress(text string) (at netip.AddrPort, err error) {
	address, port, _ := strings.Cut(text, ":")
	bytes, err := hex.DecodeString(address)
	if err != nil {
		return at, fmt.Errorf("address %q: %w", text, err)
	}
	for word := range slices.Chunk(bytes, 4) {
		if len(word) == 4 {
			binary.NativeEndian.PutUint32(word, binary.BigEndian.Uint32(word))
		}
	}
	its, ok := netip.AddrFromSlice(bytes)
	number, err := strconv.ParseUint(port, 16, 16)
	if !ok || err != nil {
		return at, fmt.Errorf("address %q: %w", text, cmp.Or(err, errors.New("it is none")))
	}
	return netip.AddrPortFrom(its.Unmap(), uint16(number)), nil
}
