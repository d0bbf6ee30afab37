package front

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"launcher/fcgi/fcgitest"
)

func openLog(t *testing.T, path string, asJSON bool, log *fcgitest.Log) *AccessLog {
	t.Helper()
	l, err := OpenAccessLog(path, asJSON, log.Logger())
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// asked makes a request of each kind that the log tells apart.
func asked(t *testing.T, l *AccessLog) {
	t.Helper()
	_, server := serveFront(t, Config{Public: publicFolder(t), AccessLog: l,
		Sockets: []string{"/nowhere", fcgitest.Responder(t, fcgitest.After(fcgitest.Whole("Status: 404", "gone")))}})
	req := newRequest(t, "GET", server.URL+"/a%20b?c=d", nil)
	req.Host = "shop.example"
	req.Header.Set("Referer", `http://"evil\"/é`)
	req.Header.Set("User-Agent", "Browser/1.0")
	req.Header.Set("X-Forwarded-For", "1.2.3.4")
	ask(t, req)
	ask(t, newRequest(t, "GET", server.URL+"/hello.txt", nil))
	req = newRequest(t, "HEAD", server.URL+"/hello.txt", nil)
	req.Header.Set("User-Agent", "")
	ask(t, req)
	ask(t, newRequest(t, "CONNECT", server.URL, nil))
	server.Close()
	l.Close()
}

func TestAccessLogCombined(t *testing.T) {
	path := filepath.Join(t.TempDir(), "access.log")
	asked(t, openLog(t, path, false, &fcgitest.Log{}))
	const client, when, took = `^127\.0\.0\.1 - - `, `\[\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\] `, ` \d+\.\d{3} `
	want := []string{
		`^1\.2\.3\.4 - - ` + when + `"GET /a%20b\?c=d HTTP/1\.1" 404 4 "http://\\"evil\\\\\\"/\\xc3\\xa9" "Browser/1\.0"` + took + `1$`,
		client + when + `"GET /hello\.txt HTTP/1\.1" 200 5 "-" "Go-http-client/1\.1"` + took + `-$`,
		client + when + `"HEAD /hello\.txt HTTP/1\.1" 200 0 "-" "-"` + took + `-$`,
		client + when + `"CONNECT \S+ HTTP/1\.1" 501 21 "-" "\S+"` + took + `-$`,
	}
	lines := strings.Split(strings.TrimSuffix(readFile(t, path), "\n"), "\n")
	if len(lines) != len(want) {
		t.Fatalf("got %q", lines)
	}
	for i, pattern := range want {
		if !regexp.MustCompile(pattern).MatchString(lines[i]) {
			t.Errorf("got %s\nwant %s", lines[i], pattern)
		}
	}
}

func TestAccessLogJSON(t *testing.T) {
	path := filepath.Join(t.TempDir(), "access.log")
	asked(t, openLog(t, path, true, &fcgitest.Log{}))
	text := readFile(t, path)
	if strings.ContainsFunc(text, func(r rune) bool { return r > '~' }) {
		t.Errorf("it is not ASCII: %s", text)
	}
	lines := json.NewDecoder(strings.NewReader(text))
	var first, second access
	if err := lines.Decode(&first); err != nil {
		t.Fatal(err)
	}
	if err := lines.Decode(&second); err != nil {
		t.Fatal(err)
	}
	if first.Slot == nil || *first.Slot != 1 || first.Target != "/a%20b?c=d" || first.Method != "GET" || first.Status != 404 || first.Bytes != 4 ||
		first.Client != "1.2.3.4" || first.Host != "shop.example" || first.Referer != `http://"evil\"/é` || time.Since(first.Time) > time.Hour || first.Seconds <= 0 {
		t.Errorf("got %+v", first)
	}
	if second.Slot != nil || second.Status != 200 || second.Bytes != 5 {
		t.Errorf("got %+v", second)
	}
}

// A file is sent without a copy though its bytes are counted.
func TestLoggedWriterReadsFrom(t *testing.T) {
	var from any
	w := &loggedWriter{ResponseWriter: &readingWriter{from: &from}}
	limited := io.LimitReader(strings.NewReader("hello"), 5)
	if n, err := io.Copy(w, limited); n != 5 || err != nil || from != limited || w.bytes != 5 || w.status != http.StatusOK {
		t.Errorf("%d bytes, %v; %T was read from", n, err, from)
	}
}

type readingWriter struct {
	http.ResponseWriter
	from *any
}

func (w *readingWriter) ReadFrom(r io.Reader) (int64, error) {
	*w.from = r
	return io.Copy(io.Discard, r)
}

// Whoever moves the file away finds what follows in a new one.
func TestAccessLogReopens(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "access.log")
	l := openLog(t, path, false, &fcgitest.Log{})
	l.add(&access{Target: "/before"})
	fcgitest.Eventually(t, "the line", func() bool { return strings.Contains(readFile(t, path), "/before") })
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	l.add(&access{Target: "/moved"})
	fcgitest.Eventually(t, "the line", func() bool { return strings.Contains(readFile(t, path+".1"), "/moved") })
	l.Reopen()
	fcgitest.Eventually(t, "the new file", func() bool { _, err := os.Stat(path); return err == nil })
	l.add(&access{Target: "/after"})
	l.Close()
	if text := readFile(t, path); !strings.Contains(text, "/after") || strings.Contains(text, "/moved") {
		t.Errorf("got %q", text)
	}
}

// A folder that is gone leaves the file that is open.
func TestAccessLogCannotReopen(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "log")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	log := &fcgitest.Log{}
	l := openLog(t, filepath.Join(dir, "access.log"), false, log)
	if err := os.Rename(dir, dir+".1"); err != nil {
		t.Fatal(err)
	}
	l.Reopen()
	fcgitest.Eventually(t, "the error", func() bool { return log.Contains("stays the file that is open") })
	l.add(&access{Target: "/after"})
	l.Close()
	if !strings.Contains(readFile(t, filepath.Join(dir+".1", "access.log")), "/after") {
		t.Error("the line is lost")
	}
}

// A disk without room costs lines, which the log counts, and never a request.
func TestAccessLogOnFullDisk(t *testing.T) {
	log := &fcgitest.Log{}
	l := openLog(t, "/dev/full", false, log)
	_, server := serveFront(t, Config{Public: publicFolder(t), AccessLog: l})
	for range 3 {
		if resp, _ := ask(t, newRequest(t, "GET", server.URL+"/hello.txt", nil)); resp.StatusCode != 200 {
			t.Errorf("got %s", resp.Status)
		}
	}
	server.Close()
	l.Close()
	if text := log.String(); !strings.Contains(text, "lines of the access log are lost") || !strings.Contains(text, "no space left") || strings.Count(text, "\n") != 1 {
		t.Errorf("logged %q", text)
	}
}

// limitedFile takes so many bytes.
type limitedFile struct {
	bytes.Buffer
	room int
}

func (f *limitedFile) Write(p []byte) (int, error) {
	n := min(len(p), f.room)
	f.room -= n
	f.Buffer.Write(p[:n])
	if n < len(p) {
		return n, syscall.ENOSPC
	}
	return n, nil
}

func (f *limitedFile) Close() error { return nil }

// A line that is cut is never joined with the next one.
func TestAccessLogAfterFullDisk(t *testing.T) {
	file := &limitedFile{room: 7}
	l := &AccessLog{out: file}
	if lost := l.put([]byte("one\ntwo\nthree\n")); lost != 2 {
		t.Errorf("%d are lost", lost)
	}
	if lost := l.put([]byte("four\n")); lost != 1 {
		t.Errorf("%d are lost", lost)
	}
	file.room = 100
	if lost := l.put([]byte("five\n")); lost != 0 || file.String() != "one\ntwo\nfive\n" {
		t.Errorf("%d are lost: %q", lost, file)
	}
}

// Who reads the log and stops keeps no request waiting, and takes no memory without end.
func TestAccessLogStalls(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenAccessLog(path, false, quiet); err == nil {
		t.Error("a FIFO that nobody reads was opened")
	}
	reader, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	l := openLog(t, path, false, &fcgitest.Log{})
	line := &access{Target: strings.Repeat("x", 50_000)}
	fcgitest.Eventually(t, "lines to be lost", func() bool {
		l.add(line)
		l.mu.Lock()
		defer l.mu.Unlock()
		if len(l.queue) > accessQueue+51_000 {
			t.Fatalf("%d bytes wait", len(l.queue))
		}
		return l.lost > 0
	})
	reader.Close() // or the goroutine would write for ever
	l.Close()
}

func TestAccessLogCannotBeOpened(t *testing.T) {
	for _, path := range []string{"/nowhere/access.log", t.TempDir()} {
		if _, err := OpenAccessLog(path, false, quiet); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: got %v", path, err)
		}
	}
}
