package control

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
	"sync/atomic"
	"testing"
	"time"

	"launcher/preforker/hint"
	"launcher/preforker/internal/testdir"
	"launcher/preforker/linux"
	"launcher/preforker/sockets"
)

// controlled is a control socket that answers each request with its own text, "big" with more than
// a socket's buffer holds.
type controlled struct {
	*Server
	end  context.CancelFunc
	done chan struct{}
}

func start(t *testing.T, dir string) *controlled {
	t.Helper()
	return startPatient(t, dir, clientTimeout)
}

func startPatient(t *testing.T, dir string, patience time.Duration) *controlled {
	t.Helper()
	c, err := Listen(dir, sockets.Staleness{})
	if err != nil {
		t.Fatal(err)
	}
	c.timeout = patience
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
	c.Close()
}

func (c *controlled) dial(t *testing.T) net.Conn {
	t.Helper()
	conn, err := net.Dial("unix", c.path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(testdir.Patience))
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
	c := start(t, dir)
	if info, err := os.Lstat(c.path); err != nil || info.Mode() != os.ModeSocket|0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	for text, want := range map[string]string{
		"status\n": "status", "status\r\n": "status", "\n": "", "<a>\x1b\n and more\n": "<a>\x1b",
		strings.Repeat("x", 1000): strings.Repeat("x", maxRequest),
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

// TestControlWithManySilentClients: whoever says what it wants is answered, while all of them stay,
// each of whom has far more time than the test.
func TestControlWithManySilentClients(t *testing.T) {
	c := startPatient(t, testdir.Short(t), time.Hour)
	for range 20 * maxClients {
		c.dial(t)
	}
	for range 3 {
		if got := c.says(t, "status\n", false); !strings.Contains(got, `"status"`) {
			t.Errorf("got %q", got)
		}
	}
}

// TestControlIsNotHeldUp by clients that do not read what they have asked for: as many as are
// talked to at once are given up, and others are answered.
func TestControlIsNotHeldUp(t *testing.T) {
	c := start(t, testdir.Short(t))
	var slow []net.Conn
	for range maxClients {
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
	c := startPatient(t, testdir.Short(t), time.Hour)
	for range maxClients - 1 {
		c.dial(t)
	}
	if got := c.says(t, "status\n", false); !strings.Contains(got, `"status"`) { // so the others have been accepted
		t.Errorf("%q", got)
	}
	c.end()
	select {
	case <-c.done:
	case <-time.After(testdir.Patience):
		t.Fatal("it waits for its clients")
	}
}

func TestControlReplacesAStaleSocketAlone(t *testing.T) {
	dir := testdir.Short(t)
	path := filepath.Join(dir, SocketName)
	stale, err := linux.Listen(path, linux.SocketOptions{Mode: 0o640, Gid: -1})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(dir, sockets.Staleness{}); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("the process %d listens on %s", os.Getpid(), path)) {
		t.Errorf("a socket in use: %v", err)
	}
	_ = stale.Close()
	c := start(t, dir)
	if got := c.says(t, "status\n", false); !strings.Contains(got, `"status"`) {
		t.Errorf("%q", got)
	}
	// Somebody has cleaned the folder, and put something there.
	if err := errors.Join(os.Remove(path), os.WriteFile(path, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	c.stop()
	if _, err := Listen(dir, sockets.Staleness{}); err == nil || !strings.Contains(err.Error(), "is not a socket") || !strings.Contains(hint.Of(err), "--socket-dir") {
		t.Errorf("a file: %v", err)
	}
}

// TestServe hands out the status, refuses the rest, and ends with whoever has it serve.
func TestServe(t *testing.T) {
	server, err := Listen(testdir.Short(t), sockets.Staleness{})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	var failed atomic.Bool
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		server.Serve(done, func(context.Context) (Status, error) {
			if failed.Load() {
				return Status{}, errors.New("on purpose")
			}
			return Status{Version: StatusVersion, State: "running"}, nil
		})
	}()
	dir := filepath.Dir(server.Path())
	if status, text, err := AskStatus(t.Context(), dir); err != nil || status.State != "running" || !json.Valid(text) {
		t.Errorf("%+v, %q, %v", status, text, err)
	}
	failed.Store(true)
	if _, _, err := AskStatus(t.Context(), dir); err == nil || !strings.Contains(err.Error(), "on purpose") {
		t.Errorf("%v", err)
	}
	conn := testdir.Connect(t, server.Path(), "restart\n")
	if got := testdir.ReadAll(t, conn); got != "{\"error\":\"unknown request \\\"restart\\\"\"}\n" {
		t.Errorf("%q", got)
	}
	if server.Lost() {
		t.Error("its file is there, and is told to be lost")
	}
	close(done)
	<-ended
	server.Close()
	if !server.Lost() {
		t.Error("its file is gone, and is not told to be lost")
	}
}
