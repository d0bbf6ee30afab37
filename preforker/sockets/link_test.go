package sockets

import (
	"net"
	"os"
	"testing"

	"launcher/preforker/internal/testdir"
	"launcher/preforker/linux"
)

// TestRedirect: the names of sockets that are gone lead to those that are left, until a slot has them again, or all goes.
func TestRedirect(t *testing.T) {
	dir := testdir.Short(t)
	options := linux.SocketOptions{Mode: 0o600, Gid: -1}
	l, err := BindAll(Paths(dir, 5), options, 0)
	if err != nil {
		t.Fatal(err)
	}
	reached := func(path string) string {
		conn, err := net.Dial("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		for slot := range l.Places() {
			if accepted, err := linux.Accept(l.Listener(slot)); err == nil && accepted != nil {
				_ = accepted.Close()
				return Name(slot)
			}
		}
		return ""
	}
	shrink := func(left int) {
		before := len(l.Places())
		if err := l.Redirect(left, before); err != nil {
			t.Fatal(err)
		}
		for slot := left; slot < before; slot++ {
			if err := l.HideSlot(slot); err != nil {
				t.Fatal(err)
			}
			_ = l.Take(slot).Close()
		}
		l.Resize(Paths(dir, left))
	}
	shrink(3)
	all := Paths(dir, 5)
	if got := reached(all[4]); got != Name(1) {
		t.Errorf("socket 4 leads to %q", got)
	}
	shrink(2)
	if got := reached(all[4]); got != Name(0) {
		t.Errorf("socket 4 leads to %q", got)
	}
	l.Resize(Paths(dir, 3))
	if err := l.Bind(2, Staleness{Moved: true}); err != nil {
		t.Fatal(err)
	}
	if got := reached(all[2]); got != Name(2) {
		t.Errorf("socket 2 leads to %q", got)
	}
	l.Close()
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("%v, %v", left, err)
	}
	// What a launcher leaves that is killed is in nobody's way; a link of somebody else is left alone.
	for _, test := range []struct {
		to   string
		free bool
	}{{Name(0), true}, {"elsewhere", false}, {"../" + Name(0), false}} {
		_ = os.Remove(all[1])
		if err := os.Symlink(test.to, all[1]); err != nil {
			t.Fatal(err)
		}
		bound, err := Bind(all[1], options, Staleness{})
		if free := err == nil; free != test.free {
			t.Errorf("a link to %s: %v", test.to, err)
		}
		bound.Close()
	}
}
