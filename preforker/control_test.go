package preforker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"launcher/preforker/hint"
	"launcher/preforker/internal/testdir"
	"launcher/preforker/linux"
	"launcher/preforker/sockets"
)

// controlled is a control socket that answers each request with its own text, "big" with more than a
// socket's buffer holds.
type controlled struct {
	*control
	end  context.CancelFunc
	done chan struct{}
}

func startControl(t *testing.T, dir string) *controlled {
	t.Helper()
	return startPatientControl(t, dir, controlPatience)
}

func startPatientControl(t *testing.T, dir string, patience time.Duration) *controlled {
	t.Helper()
	c, err := bindControl(dir, sockets.Staleness{})
	if err != nil {
		t.Fatal(err)
	}
	c.patience = patience
	ctx, end := context.WithCancel(context.Background())
	started := &controlled{c, end, make(chan struct{})}
	go func() {
		defer close(started.done)
		c.serve(ctx, func(_ context.Context, request string) any {
			if request == "big" {
				return strings.Repeat("x", 4<<20)
			}
			return refusal{request}
		})
	}()
	t.Cleanup(started.stop)
	return started
}

func (c *controlled) stop() {
	c.end()
	<-c.done
	c.close()
}

func (c *controlled) dial(t *testing.T) net.Conn {
	t.Helper()
	conn, err := net.Dial("unix", c.path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(patience))
	return conn
}

// says writes something and answers what comes back.
func (c *controlled) says(t *testing.T, text string, end bool) string {
	t.Helper()
	conn := c.dial(t)
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
	if end {
		_ = conn.(*net.UnixConn).CloseWrite()
	}
	answer, _ := io.ReadAll(conn)
	return string(answer)
}

func TestControlAnswers(t *testing.T) {
	dir := testdir.Short(t)
	c := startControl(t, dir)
	if info, err := os.Lstat(c.path); err != nil || info.Mode() != os.ModeSocket|0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	for text, want := range map[string]string{
		"status\n": "status", "status\r\n": "status", "\n": "", "<a>\x1b\n and more\n": "<a>\x1b",
		strings.Repeat("x", 1000): strings.Repeat("x", controlRequest),
	} {
		var answer refusal
		if got := c.says(t, text, false); json.Unmarshal([]byte(got), &answer) != nil || answer.Error != want || !strings.HasSuffix(got, "}\n") {
			t.Errorf("%.80q: %q", text, got)
		}
	}
	if got := c.says(t, "status", true); !strings.Contains(got, `"status"`) {
		t.Errorf("without the end of the line: %q", got)
	}
	c.stop()
	if got := testdir.Names(t, dir); len(got) != 0 {
		t.Errorf("left: %q", got)
	}
}

// TestControlWithManySilentClients: whoever says what it wants is answered, while all of them stay, each of whom
// has far more time than the test.
func TestControlWithManySilentClients(t *testing.T) {
	c := startPatientControl(t, testdir.Short(t), time.Hour)
	for range 20 * controlConnections {
		c.dial(t)
	}
	for range 3 {
		if got := c.says(t, "status\n", false); !strings.Contains(got, `"status"`) {
			t.Errorf("got %q", got)
		}
	}
}

// TestControlIsNotHeldUp by clients that do not read what they have asked for: as many as are talked to at once
// are given up, and others are answered.
func TestControlIsNotHeldUp(t *testing.T) {
	c := startControl(t, testdir.Short(t))
	var slow []net.Conn
	for range controlConnections {
		conn := c.dial(t)
		if _, err := io.WriteString(conn, "big\n"); err != nil {
			t.Fatal(err)
		}
		slow = append(slow, conn)
	}
	if got := c.says(t, "status\n", false); !strings.Contains(got, `"status"`) {
		t.Errorf("%q", got)
	}
	cut := slices.ContainsFunc(slow, func(conn net.Conn) bool {
		text, _ := io.ReadAll(conn)
		return len(text) < 4<<20
	})
	if !cut {
		t.Error("none of them was given up")
	}
}

// TestControlEndsAtOnce though it talks to clients that say nothing, and has an hour for each.
func TestControlEndsAtOnce(t *testing.T) {
	c := startPatientControl(t, testdir.Short(t), time.Hour)
	for range controlConnections - 1 {
		c.dial(t)
	}
	if got := c.says(t, "status\n", false); !strings.Contains(got, `"status"`) { // so the others have been accepted
		t.Errorf("%q", got)
	}
	c.end()
	select {
	case <-c.done:
	case <-time.After(patience):
		t.Fatal("it waits for its clients")
	}
}

func TestControlReplacesAStaleSocketAlone(t *testing.T) {
	dir := testdir.Short(t)
	path := filepath.Join(dir, ControlSocketName)
	stale, err := linux.Listen(path, socketOptions)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := bindControl(dir, sockets.Staleness{}); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("the process %d listens on %s", os.Getpid(), path)) {
		t.Errorf("a socket in use: %v", err)
	}
	_ = stale.Close()
	c := startControl(t, dir)
	if got := c.says(t, "status\n", false); !strings.Contains(got, `"status"`) {
		t.Errorf("%q", got)
	}
	// Somebody has cleaned the folder, and put something there.
	if err := errors.Join(os.Remove(path), os.WriteFile(path, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	c.stop()
	if _, err := bindControl(dir, sockets.Staleness{}); err == nil || !strings.Contains(err.Error(), "is not a socket") || !strings.Contains(hint.Of(err), "--socket-dir") {
		t.Errorf("a file: %v", err)
	}
}

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
	path := filepath.Join(dir, ControlSocketName)
	stale, err := linux.Listen(path, socketOptions)
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
	for _, test := range []struct{ answer, says string }{
		{"", "it has just ended"}, {"nonsense", "the answer is no launcher's"}, {"[1]", "the answer is no launcher's"},
		{`{"error":"no"}`, `ask for the status: "no"`}, {`{"error":"\u001b[2J"}`, `ask for the status: "\x1b[2J"`},
		{`{"version":2}`, "it has version 2, not 1"}, {strings.Repeat(" ", mostAnswer+1), "more than"},
	} {
		var answered sync.WaitGroup
		answered.Go(func() {
			if conn, err := listener.Accept(); err == nil {
				var request [100]byte
				_, _ = conn.Read(request[:])
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
