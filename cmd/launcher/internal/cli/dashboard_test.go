//go:build linux

package cli

import (
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"launcher/preforker"
	"launcher/preforker/hint"
)

func listenedDashboard(t *testing.T, given *givenSockets, words ...string) (*dashboardServer, error) {
	t.Helper()
	d, err := listenDashboard(runContext(t, words...), &preforker.Config{Log: slog.New(slog.DiscardHandler)}, given)
	t.Cleanup(d.close)
	return d, err
}

func TestDashboardAddress(t *testing.T) {
	t.Parallel()
	for words, want := range map[string]string{
		"": "", "--dashboard 127.0.0.1:9394": "127.0.0.1:9394", "--dashboard :9394": ":9394", "--dashboard localhost:0": "localhost:0",
		"--dashboard 9394":                  "is not an address with a port | --dashboard 127.0.0.1:9394",
		"--dashboard 127.0.0.1:70000":       "is not a port from 0 to 65535 | --dashboard 127.0.0.1:9394",
		"--dashboard http://127.0.0.1:9394": "is a URL",
		"--dashboard unix:/run/shop/page":   "the same is told without an option | curl --unix-socket log/launcher.sock http://launcher/, or",
	} {
		got, err := dashboardAddress(runContext(t, strings.Fields(words)...))
		if err != nil {
			got = err.Error() + " | " + hint.Of(err)
		}
		if !strings.Contains(got, want) || (want == "") != (got == "") {
			t.Errorf("%q: %s, not %s", words, got, want)
		}
	}
}

// TestTokenThatIsNoFile is refused at once: a pipe that nobody writes to is not waited for, and nothing without an end is read.
func TestTokenThatIsNoFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	pipe, link := filepath.Join(dir, "pipe"), filepath.Join(dir, "link")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(link+".to", []byte("0123456789abcdef\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(link+".to", link); err != nil { // as secrets of Kubernetes are
		t.Fatal(err)
	}
	for path, want := range map[string]string{pipe: "", "/dev/zero": "", dir: "", link: "0123456789abcdef"} {
		token, err := readToken(runContext(t, "--dashboard-token", path), func(string) {})
		if token != want || (err == nil) != (want != "") {
			t.Errorf("%s: %q, %v", path, token, err)
		}
	}
}

// TestDashboardWhosePortIsInUse: the launcher may start by and by, so it is no mistake in the command line, after which systemd does not
// try again.
func TestDashboardWhosePortIsInUse(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	_, err = listenedDashboard(t, &givenSockets{}, "--dashboard", taken.Addr().String())
	if status, _ := exitStatus(err); status != exitFailed || hint.Of(err) != "choose another address with --dashboard" {
		t.Errorf("%d: %v (%s)", status, err, hint.Of(err))
	}
}

// TestDashboardSocketIsInherited by the launcher that follows, which may not be allowed to bind the port again.
func TestDashboardSocketIsInherited(t *testing.T) {
	t.Parallel()
	first, err := listenedDashboard(t, &givenSockets{}, "--dashboard", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	at := first.socket.listener.Addr().String()
	copies, err := (&monitor{dashboard: first}).inherit()
	if err != nil || len(copies) != 1 || copies[0].Name != keptHTTP {
		t.Fatalf("%+v, %v", copies, err)
	}
	first.close()
	reader, err := net.Dial("tcp", at)
	if err != nil {
		t.Fatalf("who comes between two launchers does not get in: %v", err)
	}
	defer reader.Close()
	given := &givenSockets{http: []givenHTTP{{os.NewFile(uintptr(copies[0].FD), keptHTTP), at, true}}}
	second, err := listenedDashboard(t, given, "--dashboard", at)
	if err != nil || given.closeRest() {
		t.Fatalf("it has made a socket of its own: %v", err)
	}
	conn, err := second.socket.listener.Accept()
	if err != nil || conn.RemoteAddr().String() != reader.LocalAddr().String() {
		t.Errorf("%v, %v", conn, err)
	}
}

// TestUnitOfADashboard may bind its port.
func TestUnitOfADashboard(t *testing.T) {
	t.Parallel()
	root := rootWith(t, "")
	if err := os.WriteFile(root+"/config.ru", []byte("run ->(_env) { [200, {}, []] }\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for port, want := range map[string]bool{"80": true, "9394": false} {
		unit := strings.Split(printed(t, "systemd", "--root", root, "--name", "shop", "--user", "www-data", "--dashboard", "127.0.0.1:"+port, "2"), "\n")
		if low := slices.Contains(unit, "AmbientCapabilities=CAP_NET_BIND_SERVICE"); low != want || !slices.Contains(unit, "After=network-online.target") {
			t.Errorf("port %s: %v\n%s", port, low, strings.Join(unit, "\n"))
		}
	}
}
