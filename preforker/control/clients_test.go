package control

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

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

// TestHalfRequestsGiveWay to who says all that it wants, whatever they have sent: not even a line, half a head, or half a body. Each has
// far more time than the test.
func TestHalfRequestsGiveWay(t *testing.T) {
	t.Parallel()
	c := startWith(t, testdir.Short(t), time.Hour, append(testVerbs(), pages(nil)...)...)
	patient := c.dial(t)
	_, _ = io.WriteString(patient, "POST / HTTP/1.1\r\nHost: launcher\r\nContent-Length: 9\r\n\r\nhalf")
	if got := c.says(t, asksStatus, false); !strings.Contains(got, `"running"`) {
		t.Errorf("%q", got)
	}
	_, _ = io.WriteString(patient, " more")
	if answer, err := http.ReadResponse(bufio.NewReader(patient), nil); err != nil || answer.StatusCode != http.StatusOK {
		t.Errorf("though nobody waits for its place: %v, %+v", err, answer)
	}
	var half []net.Conn
	for n := range 6 * maxClients {
		conn := c.dial(t)
		_, _ = io.WriteString(conn, []string{"", "GE", "GET / HTTP/1.1\r\nHost: launcher\r\n", "POST / HTTP/1.1\r\nHost: launcher\r\nContent-Length: 9\r\n\r\nhalf",
			"POST /turn HTTP/1.1\r\nHost: launcher\r\nTransfer-Encoding: chunked\r\n\r\n"}[n%5])
		half = append(half, conn)
	}
	if status, _, text := c.request(t, http.MethodPost, "/", "1234"); status != http.StatusOK || text != "4 bytes, false" {
		t.Errorf("%d %q", status, text)
	}
	for n, conn := range half[:5*maxClients] {
		if answer, err := http.ReadResponse(bufio.NewReader(conn), nil); err != nil || answer.Header.Get("Retry-After") != "0" {
			t.Errorf("%d: %v, %+v", n, err, answer)
		}
	}
}
