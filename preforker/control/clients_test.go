package control

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"sync"
	"testing"

	"launcher/preforker/internal/testdir"
)

// TestSilentClientsAreToldToAskAgain where they make room for others: what they ask for later is not carried out.
func TestSilentClientsAreToldToAskAgain(t *testing.T) {
	c := start(t, testdir.Short(t))
	var silent []net.Conn
	for range maxClients {
		silent = append(silent, c.dial(t))
	}
	if status, _, _ := c.request(t, http.MethodGet, statusPath, ""); status != http.StatusOK {
		t.Errorf("status %d", status)
	}
	answer, err := http.ReadResponse(bufio.NewReader(silent[0]), nil)
	if err != nil || answer.StatusCode != http.StatusServiceUnavailable || answer.Header.Get("Retry-After") != "0" {
		t.Fatalf("%v, %+v", err, answer)
	}
	if text, _ := io.ReadAll(answer.Body); len(text) == 0 || int64(len(text)) != answer.ContentLength {
		t.Errorf("%q", text)
	}
}

// TestSilentClientIsNotServed once it was told to ask again, even where all that it asks for has come just then.
func TestSilentClientIsNotServed(t *testing.T) {
	there, here := net.Pipe()
	defer here.Close()
	from := &client{Conn: there, leave: func() {}}
	var told sync.WaitGroup
	told.Go(func() { _, _ = io.ReadAll(here) })
	if !from.dismiss() || from.begin() || from.dismiss() {
		t.Error("it is dismissed, and served")
	}
	told.Wait()
	served := &client{Conn: there, leave: func() {}}
	if !served.begin() || served.dismiss() {
		t.Error("it is served, and dismissed")
	}
}

// TestAskingAgain whoever was told to, or could say nothing: a busy launcher has ended the conversation.
func TestAskingAgain(t *testing.T) {
	dir := testdir.Short(t)
	listener, err := net.Listen("unix", filepath.Join(dir, SocketName))
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	again := "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 0\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"
	answers := []string{again, again, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{\"done\":true}\n"}
	var answering sync.WaitGroup
	answering.Go(func() {
		for _, answer := range answers {
			conn, err := listener.Accept()
			if err != nil {
				t.Error(err)
				return
			}
			if answer != again {
				_, _ = http.ReadRequest(bufio.NewReader(conn))
			}
			_, _ = io.WriteString(conn, answer)
			_ = conn.Close()
		}
	})
	if err := follow(t.Context(), dir, "/count", turn{}, func(turn) {}, nil); err != nil {
		_ = listener.Close()
		t.Error(err)
	}
	answering.Wait()
	answering.Go(func() { // one that has read what it was asked for is not asked again
		if conn, err := listener.Accept(); err == nil {
			_, _ = http.ReadRequest(bufio.NewReader(conn))
			_ = conn.Close()
			_ = listener.Close()
		}
	})
	if err := follow(t.Context(), dir, "/count", turn{}, func(turn) {}, nil); err == nil || errors.Is(err, errCutOff) {
		t.Errorf("%v", err)
	}
	answering.Wait()
}
