//go:build linux

package cli

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"launcher/preforker/hint"
	"launcher/preforker/linux"
)

// TestListenTCPAtAllAddressesOfIPv4: where 0.0.0.0 is named nobody is let in by IPv6, whose firewall may be another one.
func TestListenTCPAtAllAddressesOfIPv4(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{"0.0.0.0:0": "0.0.0.0:", "127.0.0.1:0": "127.0.0.1:"} {
		own, err := listenOwn(address, &givenSockets{})
		if err != nil {
			t.Fatal(err)
		}
		defer own.close()
		http, err := (&httpListener{given: &givenSockets{}}).bind(httpAddress{network: "tcp", address: address}, linux.SocketOptions{})
		if err != nil {
			t.Fatal(err)
		}
		defer http.Close()
		for _, listener := range []net.Listener{own.listener, http} {
			if at := listener.Addr().String(); !strings.HasPrefix(at, want) {
				t.Errorf("%s: listens at %s", address, at)
			}
		}
	}
}

// TestAddressInUse: whoever listens there is named, with what to do; this process itself has nothing to stop.
func TestAddressInUse(t *testing.T) {
	t.Parallel()
	other := exec.Command("ruby", "-rsocket", "-e", "s = TCPServer.new('127.0.0.1', 0); puts s.addr[1]; $stdout.flush; $stdin.read")
	input, err := other.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	output, err := other.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = errors.Join(input.Close(), other.Wait()) }()
	port, err := bufio.NewReader(output).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	port = strings.TrimSpace(port)
	_, err = listenTCP("127.0.0.1:" + port)
	says := fmt.Sprintf("the process %d (ruby -rsocket -e ", other.Process.Pid)
	if !errors.Is(err, syscall.EADDRINUSE) || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), ") listens on port "+port+": ") {
		t.Errorf("%v", err)
	}
	if try, want := another("choose another", err), fmt.Sprintf("stop it (ps %d), or choose another", other.Process.Pid); try != want {
		t.Errorf("%q, want %q", try, want)
	}

	own, err := listenTCP("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer own.Close()
	_, err = listenTCP(own.Addr().String())
	if !errors.Is(err, syscall.EADDRINUSE) || !strings.Contains(err.Error(), "this launcher listens there already: ") || another("choose another", err) != "choose another" {
		t.Errorf("%v, %q", err, hint.Of(err))
	}
}
