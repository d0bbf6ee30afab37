package control

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"launcher/preforker/hint"
	"launcher/preforker/internal/testdir"
	"launcher/preforker/linux"
)

// TestAskStatus of folders without a launcher, and of sockets that answer nonsense.
func TestAskStatus(t *testing.T) {
	dir := testdir.Short(t)
	ctx := t.Context()
	asks := func(says, try string) {
		t.Helper()
		_, text, err := AskStatus(ctx, dir)
		if err == nil || text != nil || !strings.Contains(err.Error(), says) || !strings.Contains(hint.Of(err), try) {
			t.Errorf("%v, %q; want %q, %q", err, hint.Of(err), says, try)
		}
	}
	asks("none runs with its sockets in "+dir, "--socket-dir")
	path := filepath.Join(dir, SocketName)
	stale, err := linux.Listen(path, linux.SocketOptions{Mode: 0o640, Gid: -1})
	if err != nil {
		t.Fatal(err)
	}
	_ = stale.Close()
	asks("the one that left launcher.sock was killed", "launcher NUM")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}

	listener, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	answer := func(status int, body string) string {
		return fmt.Sprintf("HTTP/1.1 %d whatever\r\nContent-Length: %d\r\n\r\n%s", status, len(body), body)
	}
	for _, test := range []struct{ answer, says string }{
		{"", "it has just ended"}, {"nonsense", "the answer is no launcher's"}, {"[1]\n", "the answer is no launcher's"},
		{"{\"error\":\"unknown request \\\"GET /status HTTP/1.1\\\"\"}\n", "it is older than this one"},
		{answer(200, "nonsense"), "the answer is no launcher's"}, {answer(200, "[1]"), "the answer is no launcher's"},
		{answer(500, "nonsense"), "the answer is no launcher's"},
		{answer(409, `{"error":"no"}`), "no"}, {answer(404, `{"error":"no"}`), "the one that runs there is older, and does not know GET /status"},
		{answer(200, `{"version":2}`), "it has version 2, not 1"}, {fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", maxAnswer+1), "more than"},
		{"HTTP/1.1 200 OK\r\n\r\n" + strings.Repeat(" ", maxAnswer+1), "more than"},
		{"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{", "it has just ended"},
	} {
		var answered sync.WaitGroup
		answered.Go(func() {
			if conn, err := listener.Accept(); err == nil {
				_, _ = http.ReadRequest(bufio.NewReader(conn))
				_, _ = io.WriteString(conn, test.answer)
				_ = conn.Close()
			}
		})
		asks(test.says, "")
		answered.Wait()
	}
	impatient, cancel := context.WithCancel(ctx)
	go func() {
		if conn, err := listener.Accept(); err == nil { // and says nothing
			var request [100]byte
			_, _ = conn.Read(request[:])
			cancel()
		}
	}()
	ctx = impatient
	asks("no answer", "")
	dir += strings.Repeat("/long", 30)
	asks("a socket's path can have 100", "--socket-dir")
}

// TestAskWhatIsNoLauncher: what is in the place of the control socket is not waited for, and not
// believed.
func TestAskWhatIsNoLauncher(t *testing.T) {
	for name, put := range testdir.NotFiles {
		if name == "a socket" {
			continue
		}
		dir := testdir.Short(t)
		put(t, filepath.Join(dir, SocketName))
		if _, _, err := AskStatus(t.Context(), dir); err == nil || !strings.Contains(err.Error(), "is there and is not a socket") || hint.Of(err) == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
	dir := testdir.Short(t)
	path := filepath.Join(dir, SocketName)
	datagrams, err := net.ListenPacket("unixgram", path)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := AskStatus(t.Context(), dir); err == nil || !strings.Contains(err.Error(), "is another program's") || hint.Of(err) == "" {
		t.Errorf("a socket of another type: %v", err)
	}
	_ = datagrams.Close()
	_ = os.Remove(path)
}
