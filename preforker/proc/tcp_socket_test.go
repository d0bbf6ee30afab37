//go:build linux

package proc

import (
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

const tcpTable = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:2328 00000000:0000 0A 00000000:00000003 00:00000000 00000000 65534        0 5017 1 0000000000000000 100 0 0 10 0
   1: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 902 1 0000000000000000 100 0 0 10 0
   2: 0100007F:2328 0100007F:C350 01 00000000:00000007 00:00000000 00000000     0        0 903 1 0000000000000000 20 4 30 10 -1
nonsense that nobody reads
`

func TestParseTCP(t *testing.T) {
	found, err := parseTCP(strings.NewReader(tcpTable))
	if want := []tcpListener{{5017, netip.MustParseAddrPort("127.0.0.1:9000"), 3}, {902, netip.MustParseAddrPort("0.0.0.0:22"), 0}}; err != nil || !slices.Equal(found, want) {
		t.Errorf("%v, %v", found, err)
	}
	for name, text := range map[string]string{
		"short": "sl\n 0: 0100007F:2328 0A\n", "no port": strings.Replace(tcpTable, "2328", "port", 1),
		"no inode": strings.Replace(tcpTable, "5017", "-1", 1),
	} {
		if found, err := parseTCP(strings.NewReader(text)); err == nil {
			t.Errorf("%s: %v", name, found)
		}
	}
}

func FuzzParseTCP(f *testing.F) {
	f.Add([]byte(tcpTable))
	f.Fuzz(func(t *testing.T, text []byte) {
		if found, err := parseTCP(strings.NewReader(string(text))); err == nil && len(found) > len(text) {
			t.Errorf("%d sockets in %d bytes", len(found), len(text))
		}
	})
}

func TestTCPQueues(t *testing.T) {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	for range 2 {
		conn, err := net.Dial("tcp", listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
	}
	file, err := listener.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		t.Fatal(err)
	}
	inode := info.Sys().(*syscall.Stat_t).Ino
	queues := map[uint64]int{}
	for deadline := time.Now().Add(time.Minute); queues[inode] != 2 && time.Now().Before(deadline); { // the handshake ends after connect
		if queues, err = TCPQueues(); err != nil {
			t.Fatal(err)
		}
	}
	if queues[inode] != 2 {
		t.Errorf("%d wait", queues[inode])
	}
	port := strconv.Itoa(listener.Addr().(*net.TCPAddr).Port)
	for host, want := range map[string]int{"127.0.0.1": os.Getpid(), "0.0.0.0": os.Getpid(), "::": os.Getpid(), "::ffff:127.0.0.1": os.Getpid(),
		"localhost": os.Getpid(), "": os.Getpid(), "127.0.0.2": 0, "::1": 0} {
		if pid := PortListener(host, port); pid != want {
			t.Errorf("%q: the process %d listens there, want %d", host, pid, want)
		}
	}
	if pid := PortListener("127.0.0.1", "0"); pid != 0 {
		t.Errorf("the process %d listens at no port", pid)
	}
}

func TestParseTCPAddress(t *testing.T) {
	for text, want := range map[string]string{
		"0100007F:2328":                         "127.0.0.1:9000",
		"00000000000000000000000001000000:0050": "[::1]:80",
		"B80D0120000000000000000001000000:01BB": "[2001:db8::1]:443",
		"0000000000000000FFFF00000100007F:2328": "127.0.0.1:9000",
	} {
		if at, err := parseTCPAddress(text); err != nil || at.String() != want {
			t.Errorf("%s: %v, %v", text, at, err)
		}
	}
	for _, text := range []string{"", ":", "0100007F", "0100007:2328", "010000:2328", "0100007F:12328", "0100007G:2328"} {
		if at, err := parseTCPAddress(text); err == nil {
			t.Errorf("%q: %v", text, at)
		}
	}
}
