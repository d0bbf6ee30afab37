package fcgi

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"syscall"
	"testing"
)

// openBelowDir are the files below a folder that this process has open, those without a name too.
func openBelowDir(t *testing.T, dir string) (open []string) {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if target, err := os.Readlink("/proc/self/fd/" + entry.Name()); err == nil && strings.HasPrefix(target, dir+"/") {
			open = append(open, target)
		}
	}
	return open
}

// failingBody is a client that goes away in the middle.
func failingBody() io.Reader {
	return io.MultiReader(strings.NewReader("some"), &failingReader{})
}

type failingReader struct{}

func (*failingReader) Read([]byte) (int, error) { return 0, errors.New("connection reset") }

// A body that does not become a request keeps neither its file nor its room.
func TestSpoolGivesBack(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // which would close what nobody holds
	dir := tempDir(t)
	s := &spools{dir: dir, each: 10, room: 15}
	for name, test := range map[string]struct {
		body io.Reader
		want error
	}{"aborted": {failingBody(), ErrRequestBody}, "too large": {strings.NewReader("01234567890"), errBodyTooLarge}} {
		if _, err := s.store(test.body, 0); !errors.Is(err, test.want) {
			t.Errorf("%s: got %v", name, err)
		}
		if open := openBelowDir(t, dir); len(open) != 0 || s.used != 0 {
			t.Errorf("%s: open are %q, used %d", name, open, s.used)
		}
	}
	first, err := s.store(strings.NewReader("0123456789"), 10)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.store(strings.NewReader("012345"), 0); !errors.Is(err, errSpoolsFull) || s.used != 10 {
		t.Errorf("got %v, used %d", err, s.used)
	}
	if second, err := s.store(strings.NewReader("01234"), 0); err != nil || second.Close() != nil || s.used != 10 {
		t.Errorf("got %v, used %d", err, s.used)
	}
	if err := first.Close(); err != nil || s.used != 0 || len(openBelowDir(t, dir)) != 0 {
		t.Errorf("%v, used %d", err, s.used)
	}
}

// An upload that its client gives up leaves no file behind, whatever the garbage collector does.
func TestFrontAbortedUploadLeavesNothing(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	dir := tempDir(t)
	_, server := serveFront(t, FrontConfig{SpoolDir: dir})
	conn := raw(t, server, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n")
	if _, err := conn.Read(make([]byte, 1)); err != nil { // of 100 Continue: the handler reads
		t.Fatal(err)
	}
	_, _ = io.WriteString(conn, "4\r\nsome\r\n")
	conn.Close()
	server.Close() // waits for the handler
	if open := openBelowDir(t, dir); len(open) != 0 {
		t.Errorf("open are %q", open)
	}
}

func TestFrontSpoolsTogether(t *testing.T) {
	started, finish := make(chan struct{}), make(chan struct{})
	path := responder(t, func(conn net.Conn) {
		if _, err := readRequest(conn); err == nil {
			started <- struct{}{}
			<-finish
			_, _ = conn.Write(whole("A: b", "x"))
		}
	})
	log := &logBuffer{}
	_, server := serveFront(t, FrontConfig{Sockets: []string{path}, MaxSpool: 1000, MaxSpools: 1500, Log: log.logger()})
	upload := func(size int) *http.Request {
		return newRequest(t, "POST", server.URL, io.MultiReader(bytes.NewReader(make([]byte, size))))
	}
	first := make(chan error)
	go func() {
		_, _, err := tryAsk(t, upload(1000))
		first <- err
	}()
	waitFor(t, "the first upload", started)
	if resp, _ := ask(t, upload(501)); resp.StatusCode != 503 || resp.Header.Get("Retry-After") == "" || !log.contains("take all the room") {
		t.Errorf("got %s", resp.Status)
	}
	close(finish)
	if err := <-first; err != nil {
		t.Error(err)
	}
	go func() { <-started }()
	if resp, _ := ask(t, upload(1000)); resp.StatusCode != 200 {
		t.Errorf("afterwards: got %s", resp.Status)
	}
}

func TestFrontCannotSpool(t *testing.T) {
	log := &logBuffer{}
	front, server := serveFront(t, FrontConfig{SpoolDir: filepath.Join(tempDir(t), "none"), Log: log.logger()})
	if err := front.CheckSpool(); !errors.Is(err, os.ErrNotExist) || NewFront(FrontConfig{}).CheckSpool() != nil {
		t.Errorf("got %v", err)
	}
	resp, _ := ask(t, newRequest(t, "POST", server.URL, io.MultiReader(strings.NewReader("x"))))
	if resp.StatusCode != 500 || !log.contains("TMPDIR") || !log.contains("no such file") {
		t.Errorf("got %s; %s", resp.Status, &log.buf)
	}
}

// A disk without room is not the client's fault, and passes.
func TestFrontDiskFull(t *testing.T) {
	for err, want := range map[error]int{syscall.ENOSPC: 507, syscall.EDQUOT: 507, syscall.EFBIG: 507, syscall.EROFS: 500, syscall.EIO: 500} {
		if got := failureOf(&spoolError{err}); got.status != want {
			t.Errorf("%v: got %d", err, got.status)
		}
	}
	full, err := os.OpenFile("/dev/full", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer full.Close()
	b := &spool{file: full, owner: &spools{each: 10, room: 10}}
	if err := b.fill(strings.NewReader("x")); failureOf(err).status != 507 {
		t.Errorf("got %v", err)
	}
}
