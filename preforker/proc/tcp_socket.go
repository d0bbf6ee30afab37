//go:build linux

package proc

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
)

// tcpListener is a TCP socket that listens, as the kernel tells it.
type tcpListener struct {
	inode uint64
	port  uint64
	queue int // connections that wait to be accepted
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

// ListensAtPort returns the pid of a process that is seen to listen at a port, of whichever address; 0: none is.
func ListensAtPort(port string) (pid int) {
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return 0
	}
	listeners, err := tcpListeners()
	if err != nil {
		return 0
	}
	sockets := map[string]bool{}
	for _, l := range listeners {
		if l.port == number {
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
		_, port, _ := strings.Cut(fields[1], ":")
		_, queue, _ := strings.Cut(fields[4], ":")
		var l tcpListener
		var waiting uint64
		for _, number := range []struct {
			text string
			base int
			into *uint64
		}{{port, 16, &l.port}, {queue, 16, &waiting}, {fields[9], 10, &l.inode}} {
			if *number.into, err = strconv.ParseUint(number.text, number.base, 64); err != nil {
				return nil, err
			}
		}
		l.queue = int(min(waiting, 1<<31-1))
		found = append(found, l)
	}
	return found, lines.Err()
}
