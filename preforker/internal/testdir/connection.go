package testdir

import (
	"io"
	"net"
	"testing"
	"time"
)

// Patience is what a wait takes to fail.
const Patience = 3 * time.Minute

// Connect connects to the socket at a path, and sends something.
func Connect(t testing.TB, path, text string) net.Conn {
	t.Helper()
	conn, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(Patience))
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
	return conn
}

// HalfClose says that nothing more will be sent.
func HalfClose(t testing.TB, conn net.Conn) {
	t.Helper()
	if err := conn.(*net.UnixConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
}

// ReadAll reads until the other end has ended the connection.
func ReadAll(t testing.TB, conn net.Conn) string {
	t.Helper()
	text, err := io.ReadAll(conn)
	if err != nil {
		t.Errorf("after %q: %v", text, err)
	}
	return string(text)
}
