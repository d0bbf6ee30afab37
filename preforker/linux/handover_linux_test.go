package linux

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// kept gives an open connection, and returns its other end.
func kept(t *testing.T, h *Handover) *os.File {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	err = h.give(fds[0])
	_ = unix.Close(fds[0])
	if err != nil {
		_ = unix.Close(fds[1])
		return nil
	}
	peer := os.NewFile(uintptr(fds[1]), "peer")
	t.Cleanup(func() { _ = peer.Close() })
	return peer
}

func newHandover(t *testing.T) *Handover {
	t.Helper()
	h, err := NewHandover("test")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Close)
	return h
}

// TestHandoverKeepsConnectionsOpen that nobody else has, with what comes there.
func TestHandoverKeepsConnectionsOpen(t *testing.T) {
	from, to := newHandover(t), newHandover(t)
	for _, text := range []string{"one", "two"} {
		if _, err := kept(t, from).WriteString(text); err != nil {
			t.Fatal(err)
		}
	}
	if lost := from.MoveTo(to); lost != 0 {
		t.Errorf("%d are lost", lost)
	}
	if fds, is := from.take(); is {
		t.Errorf("%v is still there", fds)
	}
	for _, want := range []string{"one", "two"} {
		fds, is := to.take()
		if !is || len(fds) != 1 {
			t.Fatalf("took %v, %v", fds, is)
		}
		connection := os.NewFile(uintptr(fds[0]), "connection")
		defer connection.Close()
		got := make([]byte, 10)
		n, err := connection.Read(got)
		if err != nil || string(got[:n]) != want {
			t.Errorf("read %q, %v; want %q", got[:n], err, want)
		}
		if flags, err := unix.FcntlInt(connection.Fd(), unix.F_GETFD, 0); err != nil || flags&unix.FD_CLOEXEC == 0 {
			t.Errorf("flags %x, %v", flags, err)
		}
	}
}

// TestHandoverIsBounded by the kernel: it takes as many as a worker keeps, at least, and what has no room is closed.
func TestHandoverIsBounded(t *testing.T) {
	const keptMax = 100 // scripts/worker/serving_loop.rb
	from, to := newHandover(t), newHandover(t)
	count := 0
	for ; kept(t, from) != nil; count++ {
		if count > 100_000 {
			t.Fatal("it has no bound")
		}
	}
	if count < keptMax {
		t.Errorf("full after %d", count)
	}
	if kept(t, to) == nil {
		t.Fatal("an empty one takes nothing")
	}
	if lost := from.MoveTo(to); lost != 1 {
		t.Errorf("%d of %d are lost, where one is there already", lost, count)
	}
}

// TestHandoverCountsWhatComesWithoutADescriptor as lost: the kernel has closed it where too many files are open.
func TestHandoverCountsWhatComesWithoutADescriptor(t *testing.T) {
	from, to := newHandover(t), newHandover(t)
	if err := unix.Sendmsg(int(from.writer.Fd()), []byte("."), nil, nil, 0); err != nil {
		t.Fatal(err)
	}
	kept(t, from)
	if lost := from.MoveTo(to); lost != 1 {
		t.Errorf("%d are lost", lost)
	}
}
