package sockets

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"launcher/preforker/hint"
	"launcher/preforker/linux"
)

// freePorts are so many ports of 127.0.0.1 in a row at which nobody listens.
func freePorts(t *testing.T, count int) (first int) {
	t.Helper()
	for first = 20_000; first < 30_000; first += count {
		l := &Listeners{places: Ports("127.0.0.1", first, count), bound: make([]Bound, count)}
		if l.tryPorts() == nil {
			l.Close()
			return first
		}
	}
	t.Fatal("no ports are free")
	return 0
}

func bindFree(t *testing.T, count int) *Listeners {
	t.Helper()
	for range 100 { // another test may have been faster
		if l, err := BindAll(Ports("127.0.0.1", freePorts(t, count), count), linux.SocketOptions{}, 0); err == nil {
			t.Cleanup(l.Close)
			return l
		}
	}
	t.Fatal("no ports are free")
	return nil
}

func refused(t *testing.T, place string) {
	t.Helper()
	if conn, err := net.Dial("tcp", place); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("%s: %v, %v", place, conn, err)
	}
}

func TestPlaces(t *testing.T) {
	if got := Ports("::1", 9000, 2); !slices.Equal(got, []string{"[::1]:9000", "[::1]:9001"}) {
		t.Errorf("%q", got)
	}
	for place, network := range map[string]string{"127.0.0.1:9000": "tcp", "[::1]:9000": "tcp", "/srv/shop/log/fastcgi.socket-0": "unix"} {
		if got := Network(place); got != network {
			t.Errorf("%s: %s", place, got)
		}
	}
	for port, last := range map[uint16]int{0: 0, 1: 65535, 9000: 56536, 65533: 3, 65535: 1} {
		first := netip.AddrPortFrom(netip.IPv6Loopback(), port)
		if err := CheckPorts(first, max(last, 1)); (err == nil) != (port != 0) {
			t.Errorf("%d ports from %d on: %v", last, port, err)
		}
		if err := CheckPorts(first, last+1); err == nil {
			t.Errorf("%d ports from %d on", last+1, port)
		}
	}
}

func TestPortsAreBoundAndClosed(t *testing.T) {
	l := bindFree(t, 3)
	if slices.ContainsFunc(l.Files(), NamedFile.Held) {
		t.Errorf("%v", l.Files())
	}
	waits, err := net.Dial("tcp", l.Place(1))
	if err != nil {
		t.Fatal(err)
	}
	defer waits.Close()
	if err := l.HideSlot(1); err != nil {
		t.Fatal(err)
	}
	refused(t, l.Place(1))
	taken, inode := l.Take(1), l.Inode(0)
	if taken == nil || l.Take(1) != nil || inode == 0 || l.Inode(1) != 0 {
		t.Error("a listener is given away once")
	}
	Backlog{Done: make(chan struct{}), Refuse: func(conn net.Conn) {
		_, _ = io.WriteString(conn, "refused")
		_ = conn.Close()
	}, Lost: func(err error) { t.Error(err) }}.Drain(taken, l.Place(1), nil)
	if text, err := io.ReadAll(waits); string(text) != "refused" || err != nil {
		t.Errorf("%q, %v", text, err)
	}
	if err := l.Bind(1, Staleness{}); err != nil {
		t.Errorf("bind again: %v", err)
	}
	if err := l.Hide(); err != nil {
		t.Error(err)
	}
	for _, place := range l.Places() {
		refused(t, place)
	}
	l.Close()
	again, err := BindAll(l.Places(), linux.SocketOptions{}, 0)
	if err != nil {
		t.Fatal(err)
	}
	again.Close()
}

// TestPortIsFreeWhoeverHasTheSocket: a process that the application has forked would keep the next launcher away.
func TestPortIsFreeWhoeverHasTheSocket(t *testing.T) {
	l := bindFree(t, 1)
	fd, err := syscall.Dup(int(l.Listener(0).Fd()))
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(fd)
	l.Close()
	again, err := BindAll(l.Places(), linux.SocketOptions{}, 0)
	if err != nil {
		t.Fatal(err)
	}
	again.Close()
}

// TestPortsAreBoundAllOrNone, and the error says which one is taken, by whom, and what to do.
func TestPortsAreBoundAllOrNone(t *testing.T) {
	first := freePorts(t, 3)
	places := Ports("127.0.0.1", first, 3)
	other, err := net.Listen("tcp", places[2])
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	l, err := BindAll(places, linux.SocketOptions{}, 0)
	if l != nil || err == nil || !strings.Contains(err.Error(), "bind "+places[2]) || !errors.Is(err, syscall.EADDRINUSE) ||
		!strings.Contains(err.Error(), "this launcher listens there already") || !strings.Contains(hint.Of(err), "--listen") {
		t.Errorf("%v, %q", err, hint.Of(err))
	}
	for _, place := range places[:2] {
		refused(t, place)
	}
	for place, test := range map[string]struct{ says, try string }{
		"192.0.2.1:" + strconv.Itoa(first): {"this host has no such address", "0.0.0.0 for all"}, // of documents (RFC 5737)
	} {
		if l, err := BindAll([]string{place}, linux.SocketOptions{}, 0); l != nil || err == nil || !strings.Contains(err.Error(), test.says) || !strings.Contains(hint.Of(err), test.try) {
			t.Errorf("%s: %v, %q", place, err, hint.Of(err))
		}
	}
}

// TestPortErrors of what cannot be brought about here.
func TestPortErrors(t *testing.T) {
	if err := portError("0.0.0.0:1", syscall.EADDRINUSE); !strings.Contains(err.Error(), "somebody has port 1: ") || !strings.Contains(hint.Of(err), "ss -tanp 'sport = :1'") {
		t.Errorf("%v, %q", err, hint.Of(err))
	}
	if err := portError("127.0.0.1:80", os.NewSyscallError("bind", syscall.EACCES)); !strings.Contains(hint.Of(err), "from 1024 on") {
		t.Errorf("%v, %q", err, hint.Of(err))
	}
}

// TestPortOfAPredecessor: its workers stop listening once they hear of its end, which may be after the next launcher has begun.
func TestPortOfAPredecessor(t *testing.T) {
	l := bindFree(t, 2)
	var tasks sync.WaitGroup
	bound := make(chan *Listeners, 1)
	tasks.Go(func() {
		next, err := BindAll(l.Places(), linux.SocketOptions{}, 4711)
		if err != nil {
			t.Errorf("its port stands in the way: %v", err)
		}
		bound <- next
	})
	l.Close()
	tasks.Wait()
	if next := <-bound; next != nil {
		next.Close()
	}
}

// TestBacklogIsHandedOnToPorts, but not what comes from where nobody may connect.
func TestBacklogIsHandedOnToPorts(t *testing.T) {
	l := bindFree(t, 2)
	for _, admitted := range []bool{true, false} {
		waits, err := net.Dial("tcp", l.Place(0))
		if err != nil {
			t.Fatal(err)
		}
		defer waits.Close()
		backlog := Backlog{Done: make(chan struct{}), Refuse: func(conn net.Conn) { t.Error("refused") }, Lost: func(err error) { t.Error(err) },
			Admits: func(from net.Addr) bool { return admitted && fmt.Sprint(from) == waits.LocalAddr().String() }}
		var tasks sync.WaitGroup
		listener := l.Take(0)
		tasks.Go(func() { backlog.Drain(listener, l.Place(0), l.Places()[1:]) })
		if admitted {
			var conn *os.File
			for conn == nil {
				if conn, err = linux.Accept(l.Listener(1)); err != nil {
					t.Fatal(err)
				}
			}
			_, _ = io.WriteString(conn, "served")
			_ = conn.Close()
		}
		text, err := io.ReadAll(waits)
		if want := map[bool]string{true: "served"}[admitted]; string(text) != want || err != nil {
			t.Errorf("%q, %v, want %q", text, err, want)
		}
		_ = waits.Close()
		tasks.Wait()
		if admitted {
			if err := l.Bind(0, Staleness{}); err != nil {
				t.Fatal(err)
			}
		}
	}
}
