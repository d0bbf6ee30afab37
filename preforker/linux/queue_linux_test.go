package linux

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// TestQueueLengths with connections that wait, and with so many sockets that the kernel answers
// in several packets.
func TestQueueLengths(t *testing.T) {
	dir := t.TempDir()
	const sockets = 700
	var listeners []*os.File
	for n := range sockets {
		l, err := Listen(filepath.Join(dir, fmt.Sprint(n)), SocketOptions{Mode: 0o600, Gid: -1})
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		listeners = append(listeners, l)
	}
	for _, waiting := range []int{0, 5, 1} {
		for range waiting {
			conn, err := net.Dial("unix", filepath.Join(dir, "3"))
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
		}
		if waiting == 1 { // the six: five are taken
			for range 5 {
				conn, err := Accept(listeners[3])
				if conn == nil || err != nil {
					t.Fatalf("%v, %v", conn, err)
				}
				defer conn.Close()
			}
		}
		lengths := map[uint64]int{}
		if err := QueueLengths(lengths); err != nil {
			t.Fatal(err)
		}
		for n, l := range listeners {
			want := 0
			if n == 3 {
				want = waiting
			}
			if got, told := lengths[socketInode(t, l)]; !told || got != want {
				t.Fatalf("socket %d: %d wait, want %d (told: %v)", n, got, want, told)
			}
		}
	}
}

func socketInode(t *testing.T, l *os.File) uint64 {
	t.Helper()
	info, err := l.Stat()
	if err != nil {
		t.Fatal(err)
	}
	return info.Sys().(*syscall.Stat_t).Ino
}

// netlink is a message of a type.
func netlink(kind uint16, data []byte) []byte {
	b := binary.NativeEndian.AppendUint32(nil, uint32(unix.NLMSG_HDRLEN+len(data)))
	b = binary.NativeEndian.AppendUint16(b, kind)
	return append(append(b, make([]byte, 10)...), data...)
}

// diagnosed is a socket with an attribute of another kind before the one that counts.
func diagnosed(inode, waiting uint32) []byte {
	b := []byte{unix.AF_UNIX, unix.SOCK_STREAM, 10, 0}
	b = binary.NativeEndian.AppendUint32(b, inode)
	b = append(b, make([]byte, 8)...)
	b = append(binary.NativeEndian.AppendUint16(binary.NativeEndian.AppendUint16(b, 5), 6), 7, 0, 0, 0)
	b = binary.NativeEndian.AppendUint16(binary.NativeEndian.AppendUint16(b, 12), diagQueue)
	b = binary.NativeEndian.AppendUint32(b, waiting)
	return netlink(unix.SOCK_DIAG_BY_FAMILY, binary.NativeEndian.AppendUint32(b, 4096))
}

func TestParseQueues(t *testing.T) {
	lengths := map[uint64]int{}
	ended, err := parseQueues(append(diagnosed(77, 3), diagnosed(78, 0)...), lengths)
	if ended || err != nil || len(lengths) != 2 || lengths[77] != 3 {
		t.Errorf("%v, %v, %v", lengths, ended, err)
	}
	if ended, err := parseQueues(netlink(unix.NLMSG_DONE, make([]byte, 4)), lengths); !ended || err != nil {
		t.Errorf("the end: %v, %v", ended, err)
	}
	refusal := binary.NativeEndian.AppendUint32(nil, uint32(^uint32(syscall.ENOENT)+1))
	for _, kind := range []uint16{unix.NLMSG_ERROR, unix.NLMSG_DONE} {
		if _, err := parseQueues(netlink(kind, refusal), lengths); !errors.Is(err, syscall.ENOENT) {
			t.Errorf("an error: %v", err)
		}
	}
	for name, packet := range map[string][]byte{
		"no number": netlink(unix.NLMSG_ERROR, nil), "no socket": netlink(unix.SOCK_DIAG_BY_FAMILY, make([]byte, 12)),
		"cut": diagnosed(77, 3)[:30],
	} {
		if ended, err := parseQueues(packet, lengths); ended || err == nil {
			t.Errorf("%s passes", name)
		}
	}
}

func FuzzParseQueues(f *testing.F) {
	f.Add(append(diagnosed(77, 3), netlink(unix.NLMSG_DONE, make([]byte, 4))...))
	f.Add(netlink(unix.NLMSG_ERROR, make([]byte, 4)))
	f.Fuzz(func(t *testing.T, packet []byte) {
		lengths := map[uint64]int{}
		if ended, err := parseQueues(packet, lengths); ended && err != nil {
			t.Errorf("an end and %v", err)
		}
		if len(lengths) > len(packet)/unix.NLMSG_HDRLEN {
			t.Errorf("%d sockets in %d bytes", len(lengths), len(packet))
		}
	})
}

// TestParseQueuesMakesNoGarbage, since hundreds of sockets are told of every second.
func TestParseQueuesMakesNoGarbage(t *testing.T) {
	packet := append(diagnosed(77, 3), diagnosed(78, 0)...)
	lengths := map[uint64]int{}
	made := testing.AllocsPerRun(10, func() {
		clear(lengths)
		if _, err := parseQueues(packet, lengths); err != nil {
			t.Error(err)
		}
	})
	if made > 0 {
		t.Errorf("%v pieces of memory", made)
	}
}
