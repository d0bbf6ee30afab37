package front

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

	"launcher/fcgi"
	"launcher/fcgi/fcgitest"
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
	dir := fcgitest.TempDir(t)
	s := &spools{dir: dir, each: 10, room: 15}
	for name, test := range map[string]struct {
		body io.Reader
		want error
	}{"aborted": {failingBody(), fcgi.ErrRequestBody}, "too large": {strings.NewReader("01234567890"), errBodyTooLarge}} {
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
func TestHandlerAbortedUploadLeavesNothing(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	dir := fcgitest.TempDir(t)
	_, server := serveFront(t, Config{SpoolDir: dir})
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

func TestHandlerSpoolsTogether(t *testing.T) {
	started, finish := make(chan struct{}), make(chan struct{})
	path := fcgitest.Responder(t, func(conn net.Conn) {
		if _, err := fcgitest.ReadRequest(conn); err == nil {
			started <- struct{}{}
			<-finish
			_, _ = conn.Write(fcgitest.Whole("A: b", "x"))
		}
	})
	log := &fcgitest.Log{}
	_, server := serveFront(t, Config{Sockets: []string{path}, MaxBody: 1000, MaxSpools: 1500, Log: log.Logger()})
	upload := func(size int) *http.Request {
		return newRequest(t, "POST", server.URL, io.MultiReader(bytes.NewReader(make([]byte, size))))
	}
	first := make(chan error)
	go func() {
		_, _, err := tryAsk(t, upload(1000))
		first <- err
	}()
	fcgitest.Await(t, "the first upload", started)
	if resp, _ := ask(t, upload(501)); resp.StatusCode != 503 || resp.Header.Get("Retry-After") == "" || !log.Contains("take all the room") {
		t.Errorf("got %s", resp.Status)
	}
	close(finish)
	if err := fcgitest.Await(t, "the first answer", first); err != nil {
		t.Error(err)
	}
	go func() { <-started }()
	if resp, _ := ask(t, upload(1000)); resp.StatusCode != 200 {
		t.Errorf("afterwards: got %s", resp.Status)
	}
}

func TestHandlerCannotSpool(t *testing.T) {
	log := &fcgitest.Log{}
	front, server := serveFront(t, Config{SpoolDir: filepath.Join(fcgitest.TempDir(t), "none"), Log: log.Logger()})
	if err := front.CheckSpool(); !errors.Is(err, os.ErrNotExist) || New(Config{}).CheckSpool() != nil {
		t.Errorf("got %v", err)
	}
	resp, _ := ask(t, newRequest(t, "POST", server.URL, io.MultiReader(strings.NewReader("x"))))
	if resp.StatusCode != 500 || !log.Contains("TMPDIR") || !log.Contains("no such file") {
		t.Errorf("got %s; %s", resp.Status, log)
	}
}

// A disk without room is not the client's fault, and passes.
func TestHandlerDiskFull(t *testing.T) {
	for err, want := range map[error]int{syscall.ENOSPC: 507, syscall.EDQUOT: 507, syscall.EFBIG: 507, syscall.EROFS: 500, syscall.EIO: 500} {
		if got := failureOf(&spoolError{err}); refusalKinds[got.why].code != want {
			t.Errorf("%v: got %+v", err, got)
		}
	}
	full, err := os.OpenFile("/dev/full", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer full.Close()
	b := &spool{file: full, owner: &spools{each: 10, room: 10}}
	if err := b.fill(strings.NewReader("x")); failureOf(err).why != refusedDisk {
		t.Errorf("got %v", err)
	}
}
