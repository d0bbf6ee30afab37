package fcgi

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// patience bounds everything that a test waits for. It is generous: it passes
// only where something is broken.
const patience = 20 * time.Second

// tempDir is short, because a socket's path has at most 107 bytes.
func tempDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "fcgi")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func listen(t testing.TB, path string) net.Listener {
	t.Helper()
	listener, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	return listener
}

// responder accepts connections on a new socket and lets answer play the
// application on each. It returns the socket's path.
func responder(t testing.TB, answer func(conn net.Conn)) string {
	t.Helper()
	path := filepath.Join(tempDir(t), "s")
	respondOn(t, listen(t, path), answer)
	return path
}

func respondOn(t testing.TB, listener net.Listener, answer func(conn net.Conn)) {
	var wait sync.WaitGroup
	wait.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			wait.Go(func() {
				defer conn.Close()
				if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
					return
				}
				answer(conn)
			})
		}
	})
	t.Cleanup(func() {
		listener.Close()
		wait.Wait()
	})
}

// wireRequest is a request as an application gets it.
type wireRequest struct {
	params  Params
	body    []byte
	aborted bool
}

// readRequest reads one request to the end of STDIN.
func readRequest(conn io.Reader) (*wireRequest, error) {
	req := &wireRequest{}
	records := NewRecordReader(conn)
	decoder := NewParamsDecoder(1 << 20)
	for {
		record, err := records.Next()
		if err != nil {
			return req, err
		}
		switch {
		case record.Type == TypeBeginRequest:
			if Role(binary.BigEndian.Uint16(record.Content)) != RoleResponder || record.Content[2] != 0 {
				return req, errors.New("unexpected BEGIN_REQUEST")
			}
		case record.Type == TypeParams && len(record.Content) > 0:
			if _, err := decoder.Write(record.Content); err != nil {
				return req, err
			}
		case record.Type == TypeParams:
			if req.params, err = decoder.Params(); err != nil {
				return req, err
			}
		case record.Type == TypeStdin && len(record.Content) > 0:
			req.body = append(req.body, record.Content...)
		case record.Type == TypeStdin:
			return req, nil
		case record.Type == TypeAbortRequest:
			req.aborted = true
			return req, nil
		}
	}
}

// after plays an application that reads the request and then sends output.
func after(output []byte) func(net.Conn) {
	return func(conn net.Conn) {
		if _, err := readRequest(conn); err == nil {
			_, _ = conn.Write(output) // the client may have seen enough
		}
	}
}

func stdout(s string) []byte    { return AppendRecord(nil, TypeStdout, requestID, []byte(s)) }
func stderrRec(s string) []byte { return AppendRecord(nil, TypeStderr, requestID, []byte(s)) }
func endOK() []byte             { return AppendEndRequest(nil, requestID, 0, StatusRequestComplete) }
func join(parts ...[]byte) []byte {
	return bytes.Join(parts, nil)
}

// whole is a complete response.
func whole(head, body string) []byte { return join(stdout(head+"\r\n\r\n"+body), stdout(""), endOK()) }

func testContext(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

// waitFor waits for a signal.
func waitFor(t testing.TB, what string, signal <-chan struct{}) {
	t.Helper()
	select {
	case <-signal:
	case <-time.After(patience):
		t.Fatalf("%s did not happen", what)
	}
}

// eventually polls for what nothing tells.
func eventually(t testing.TB, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// logBuffer collects log lines.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logBuffer) contains(s string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Contains(l.buf.String(), s)
}

func (l *logBuffer) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }
