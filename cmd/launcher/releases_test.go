//go:build linux

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// The tests here are the ones that "make test-releases" makes on other releases of Debian too, with
// the Ruby, Rack, Sinatra, Rails and lighttpd of each. They know an application by its routes alone,
// and use nothing that a smallest system with these packages lacks.

// releaseApp is an application of testdata/apps with the routes of the probes.
type releaseApp struct {
	name, form, submit string // where the form is, and where it goes to
}

func TestReleaseRack(t *testing.T) {
	t.Parallel()
	testRelease(t, releaseApp{name: "rack", form: "/form", submit: "/form"})
}

func TestReleaseSinatra(t *testing.T) {
	t.Parallel()
	testRelease(t, releaseApp{name: "sinatra", form: "/form", submit: "/form"})
}

func TestReleaseRails(t *testing.T) {
	t.Parallel()
	testRelease(t, releaseApp{name: "blog", form: "/posts/new", submit: "/posts"})
}

func testRelease(t *testing.T, app releaseApp) {
	root := copyApp(t, app.name)
	s := releaseSite{startProbes(t, root, "3"), app}
	for _, check := range []struct {
		name string
		do   func(*testing.T)
	}{
		{"get", s.text}, {"unknown path", s.unknown}, {"head", s.heads}, {"query", s.queries}, {"header", s.requestHeaders},
		{"path", s.paths}, {"echo", s.echoes}, {"upload", s.uploads}, {"download", s.downloads}, {"range", s.ranges},
		{"no such range", s.noRange}, {"unmodified", s.unmodified}, {"etag", s.etags}, {"empty", s.empty},
		{"stream", func(t *testing.T) { s.streams(t, "") }}, {"cookies", s.cookies}, {"session", s.sessions},
		{"forged", s.forged}, {"form", s.forms}, {"static", s.static}, {"exception", s.exception}, {"crash", s.crashes},
		{"kill", s.kills}, {"preloader", s.killsPreloader}, {"status", s.asksStatus}, {"reload", s.reloads}, {"stop", s.stops},
	} {
		t.Run(check.name, check.do)
	}
	t.Run("refork", func(t *testing.T) { reforks(t, root) })
	t.Run("doctor", func(t *testing.T) { doctor(t, exitOK, startOptions{root: root}) })
	t.Run("config", func(t *testing.T) { output(t, root, "config", "--full", "--check", "3") })
}

type releaseSite struct {
	browser
	app releaseApp
}

// startProbes starts an application behind lighttpd, with its gates where it looks for them.
func startProbes(t *testing.T, root string, workers string) browser {
	t.Helper()
	gates := filepath.Join(root, "tmp")
	if err := os.MkdirAll(gates, 0o755); err != nil {
		t.Fatal(err)
	}
	in := start(t, startOptions{root: root, env: []string{"BLOG_GATES=" + gates}, args: []string{workers}}).serving()
	number, err := strconv.Atoi(workers)
	if err != nil {
		t.Fatal(err)
	}
	return browser{in: in, gates: gates, url: in.behindLighttpd(number), static: true}
}

func (s releaseSite) text(t *testing.T) {
	if got := s.get(t, "/").expect(t, 200); len(got.body) < 5000 {
		t.Errorf("GET /: %d bytes", len(got.body))
	}
}

func (s releaseSite) unknown(t *testing.T) { s.get(t, "/nowhere").expect(t, 404) }

func (s releaseSite) heads(t *testing.T) {
	got := s.ask(t, http.MethodHead, "/", nil).expect(t, 200)
	if got.body != "" || !strings.HasPrefix(got.Header.Get("Content-Type"), "text/") {
		t.Errorf("HEAD /: %q %v", got.body, got.Header)
	}
}

func (s releaseSite) queries(t *testing.T) {
	const query = "a=b%20c&d=%26&e"
	s.get(t, "/env?"+query).expect(t, 200).is(t, map[string]any{"REQUEST_METHOD": "GET", "SCRIPT_NAME": "", "PATH_INFO": "/env",
		"QUERY_STRING": query, "REQUEST_URI": "/env?" + query, "REMOTE_ADDR": "127.0.0.1", "rack.url_scheme": "http"})
}

func (s releaseSite) requestHeaders(t *testing.T) {
	got := s.ask(t, http.MethodGet, "/env", nil, "Host", "www.example.org", "X-Forwarded-For", "192.0.2.1", "Proxy", "http://127.0.0.1:1").expect(t, 200)
	got.is(t, map[string]any{"HTTP_X_FORWARDED_FOR": "192.0.2.1"})
	if proxy, ok := got.json(t)["HTTP_PROXY"]; ok {
		t.Errorf("HTTP_PROXY is %v", proxy)
	}
}

func (s releaseSite) paths(t *testing.T) {
	const name = "räksmörgås & 100% +plus?.bin"
	data := randomBytes(1000)
	s.send(t, name, data)
	if got := s.get(t, "/download/"+url.PathEscape(name)).expect(t, 200); got.body != string(data) {
		t.Errorf("GET %s: other bytes", got.Request.URL)
	}
}

func (s releaseSite) echoes(t *testing.T) {
	for _, size := range []int{0, 1, 70_000, 3 << 20} {
		data := randomBytes(size)
		s.ask(t, http.MethodPost, "/echo", bytes.NewReader(data), "Content-Type", "application/octet-stream").expect(t, 200).is(t, digested(data))
	}
}

func (s releaseSite) uploads(t *testing.T) {
	data := randomBytes(2 << 20)
	s.send(t, "upload.bin", data).is(t, digested(data))
}

func (s releaseSite) downloads(t *testing.T) {
	data := randomBytes(2 << 20)
	s.send(t, "download.bin", data)
	if got := s.get(t, "/download/download.bin").expect(t, 200); got.body != string(data) || got.ContentLength != int64(len(data)) {
		t.Errorf("%d bytes of %d, Content-Length %d, or others", len(got.body), len(data), got.ContentLength)
	}
}

// ranges is a download that is resumed: the rest, not the beginning.
func (s releaseSite) ranges(t *testing.T) {
	data := randomBytes(300_000)
	s.send(t, "range.bin", data)
	for asked, want := range map[string]string{"bytes=100000-": string(data[100_000:]), "bytes=-7": string(data[len(data)-7:]),
		"bytes=0-0": string(data[:1]), "bytes=70000-80000": string(data[70_000:80_001])} {
		if got := s.ask(t, http.MethodGet, "/files/range.bin", nil, "Range", asked).expect(t, 206); got.body != want {
			t.Errorf("%s: %d bytes, want %d, or others", asked, len(got.body), len(want))
		}
	}
}

func (s releaseSite) noRange(t *testing.T) {
	s.send(t, "short.bin", randomBytes(10))
	s.ask(t, http.MethodGet, "/files/short.bin", nil, "Range", "bytes=100-200").expect(t, 416)
}

func (s releaseSite) unmodified(t *testing.T) {
	s.send(t, "same.bin", randomBytes(10))
	first := s.get(t, "/files/same.bin").expect(t, 200)
	s.ask(t, http.MethodGet, "/files/same.bin", nil, "If-Modified-Since", first.Header.Get("Last-Modified")).expect(t, 304)
}

func (s releaseSite) etags(t *testing.T) {
	etag := s.get(t, "/unchanged").expect(t, 200).Header.Get("ETag")
	got := s.ask(t, http.MethodGet, "/unchanged", nil, "If-None-Match", etag).expect(t, 304)
	if got.body != "" || etag == "" || got.Header.Get("ETag") != etag {
		t.Errorf("%q %v", got.body, got.Header)
	}
}

func (s releaseSite) empty(t *testing.T) {
	if got := s.get(t, "/empty").expect(t, 204); got.body != "" {
		t.Errorf("%q", got.body)
	}
}

func (s releaseSite) cookies(t *testing.T) {
	got := s.get(t, "/cookies").expect(t, 200)
	found := map[string]string{}
	for _, cookie := range got.Cookies() {
		found[cookie.Name] = cookie.Value
	}
	if found["one"] != "1" || found["two"] != "2" {
		t.Errorf("cookies %v", got.Header.Values("Set-Cookie"))
	}
}

func session(t *testing.T) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	c := client()
	c.Jar = jar
	return c
}

// sessions are in cookies that every worker understands.
func (s releaseSite) sessions(t *testing.T) {
	c := session(t)
	for n := 1; n <= 7; n++ {
		if got := s.askWith(t, c, http.MethodGet, "/session", nil).expect(t, 200); got.body != fmt.Sprintf("%d\n", n) {
			t.Fatalf("request %d: %q", n, got.body)
		}
	}
}

// submits sends the form of a session with the token of another one, or its own.
func (s releaseSite) submits(t *testing.T, reader, writer *http.Client) page {
	t.Helper()
	form := s.askWith(t, reader, http.MethodGet, s.app.form, nil).expect(t, 200)
	token := tokenField.FindStringSubmatch(form.body)
	if token == nil {
		t.Fatalf("no token in %s", form.body)
	}
	fields := url.Values{"authenticity_token": {token[1]}, "title": {"Größe"}, "post[title]": {"Größe"}, "post[body]": {"text"}}
	return s.askWith(t, writer, http.MethodPost, s.app.submit, strings.NewReader(fields.Encode()), "Content-Type", "application/x-www-form-urlencoded")
}

func (s releaseSite) forged(t *testing.T) {
	if got := s.submits(t, session(t), session(t)); got.StatusCode != 403 && got.StatusCode != 422 {
		t.Errorf("status %d", got.StatusCode)
	}
}

func (s releaseSite) forms(t *testing.T) {
	c := session(t)
	if got := s.submits(t, c, c); got.StatusCode != 200 && got.StatusCode != 302 {
		t.Errorf("status %d: %s", got.StatusCode, got.body)
	}
}

func (s releaseSite) static(t *testing.T) {
	want, err := os.ReadFile(filepath.Join(s.in.root, "public", "robots.txt"))
	if err != nil {
		t.Fatal(err)
	}
	if got := s.get(t, "/robots.txt").expect(t, 200); got.body != string(want) || got.Header.Get("ETag") == "" {
		t.Errorf("%q %v", got.body, got.Header)
	}
}

func (s releaseSite) exception(t *testing.T) {
	before := s.workers()
	s.get(t, "/raise").expect(t, 500)
	s.stillServedBy(t, before)
}

func (s releaseSite) crashes(t *testing.T) {
	deaths := s.in.count("worker died")
	s.get(t, "/crash").expect(t, 500)
	s.in.waitLines(`worker died.*GET /crash`, 1)
	s.in.waitLines("worker died", deaths+1)
	s.get(t, "/pid").expect(t, 200)
}

func (s releaseSite) kills(t *testing.T) {
	old := s.in.worker(0)
	kill(t, old, syscall.SIGKILL)
	s.in.waitFor("another worker of slot 0", func() bool { return s.in.worker(0) != old })
	for range 6 {
		s.get(t, "/").expect(t, 200)
	}
}

func (s releaseSite) killsPreloader(t *testing.T) {
	kill(t, s.in.preloader(), syscall.SIGKILL)
	s.get(t, "/").expect(t, 200)
	s.in.reached(2)
	s.get(t, "/").expect(t, 200)
}

func (s releaseSite) asksStatus(t *testing.T) {
	status := s.in.status()
	text, err := json.Marshal(status)
	if err != nil || status.State != "running" || len(status.Slots) != 3 {
		t.Errorf("%v %s", err, text)
	}
}

func (s releaseSite) reloads(t *testing.T) {
	if got := s.get(t, "/version").expect(t, 200); got.body != "one" {
		t.Errorf("version %q", got.body)
	}
	c := startCrowd(3, s.url+"/pid")
	c.asked(t, 10)
	write(t, filepath.Join(s.in.root, "version"), "two")
	s.in.signal(syscall.SIGHUP)
	s.in.rolled(2, 3, 3)
	c.asked(t, 10)
	if statuses := c.end(); statuses.failed() > 0 {
		t.Errorf("not all requests were answered: %v", statuses)
	}
	if got := s.get(t, "/version").expect(t, 200); got.body != "two" {
		t.Errorf("version %q after a restart", got.body)
	}
}

// stops with a response in the middle, which comes to its end.
func (s releaseSite) stops(t *testing.T) {
	gate := s.gate(t)
	stream := s.openStream(t, "/stream?chunks=2&gate="+gate)
	s.in.signal(syscall.SIGTERM)
	s.in.waitLine(`msg="?stop`)
	s.open(t, gate, 1)
	rest, err := io.ReadAll(stream)
	if err != nil || string(rest) != "chunk 1\n" {
		t.Errorf("%q, %v", rest, err)
	}
	if status := s.in.wait(); status != exitOK {
		t.Errorf("exit status %d", status)
	}
	if left := s.in.processes(); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// reforks has a launcher with its own choice of when, and a check for harm.
func reforks(t *testing.T, root string) {
	in := start(t, startOptions{root: root, args: []string{"2", "--seed-time", "0"}, defaults: true}).serving()
	waitFor(t, "a refork", func() bool {
		if a := ask(t, in.socket(0), "/"); a.err != nil || a.status != 200 {
			t.Fatalf("%v", a)
		}
		return in.count(lineArrived) > 0 || in.count("refork failed|not reforked") > 0
	})
	if n := in.count("refork failed|level=ERROR"); n > 0 || in.count(lineArrived) == 0 {
		t.Errorf("no refork, %d errors", n)
	}
	if a := ask(t, in.socket(1), "/pid"); a.err != nil || a.status != 200 || !regexp.MustCompile(`^\d+\n`).MatchString(a.body) {
		t.Errorf("%v", a)
	}
}
