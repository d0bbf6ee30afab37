//go:build linux

package main

import (
	"bytes"
	"fmt"
	"html"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestBlogBehindLighttpd(t *testing.T) {
	t.Parallel()
	in := start(t, startOptions{root: copyApp(t, "blog"), args: []string{"4"}}).serving()
	url := in.behindLighttpd(4)
	status, body := get(t, url+"/posts")
	if status != 200 || len(body) < 20_000 || !strings.Contains(body, "authenticity_token") {
		t.Errorf("GET /posts: %d, %d bytes", status, len(body))
	}
}

// browseBlog does with the blog what browsers and scripts do.
func browseBlog(t *testing.T, b browser) {
	for _, part := range []struct {
		name string
		do   func(*testing.T)
	}{
		{"index", b.index}, {"query", b.query}, {"environment", b.environment}, {"encoded path", b.encodedPath},
		{"create", b.create}, {"upload", b.upload}, {"echo", b.echo}, {"stream", func(t *testing.T) { b.streams(t, "") }},
		{"head", b.head}, {"raise", b.raise}, {"static", b.staticFiles},
	} {
		t.Run(part.name, part.do)
	}
}

func (b browser) index(t *testing.T) {
	for _, path := range []string{"/", "/posts"} {
		got := b.get(t, path).expect(t, 200)
		if len(got.body) < 20_000 || strings.Count(got.body, "<article") != 50 {
			t.Errorf("GET %s: %d bytes:\n%.2000s", path, len(got.body), got.body)
		}
		if want := fmt.Sprintf(`href="%s/posts/new"`, b.prefix); !strings.Contains(got.body, want) {
			t.Errorf("GET %s: there is no link %s", path, want)
		}
	}
	b.get(t, "/nowhere").expect(t, 404)
}

func (b browser) query(t *testing.T) {
	row := b.get(t, "/rows?token=a%26b+%C3%BC%2F%25").expect(t, 200)
	row.is(t, map[string]any{"token": "a&b ü/%", "read": "a&b ü/%", "owner": row.json(t)["pid"]})
}

func (b browser) environment(t *testing.T) {
	base, err := url.Parse(b.url)
	if err != nil {
		t.Fatal(err)
	}
	const query = "a=b%20c&d=%26&e"
	b.get(t, "/env?"+query).expect(t, 200).is(t, map[string]any{
		"REQUEST_METHOD": "GET", "SCRIPT_NAME": b.prefix, "PATH_INFO": "/env", "QUERY_STRING": query,
		"REQUEST_URI": b.prefix + "/env?" + query, "SERVER_NAME": base.Hostname(), "SERVER_PORT": base.Port(),
		"SERVER_PROTOCOL": "HTTP/1.1", "REMOTE_ADDR": "127.0.0.1", "HTTP_HOST": base.Host, "rack.url_scheme": "http",
	})
	b.get(t, "/env").expect(t, 200).is(t, map[string]any{"QUERY_STRING": "", "REQUEST_URI": b.prefix + "/env"})
}

func (b browser) encodedPath(t *testing.T) {
	if got := b.get(t, "/posts/%31").expect(t, 200); !strings.Contains(got.body, "Post &lt;1&gt; &amp; more</h1>") {
		t.Errorf("GET /posts/%%31: another post:\n%s", got.body)
	}
	const name = "räksmörgås & 100% +plus?.bin"
	data := randomBytes(1000)
	b.send(t, name, data)
	if got := b.get(t, "/download/"+url.PathEscape(name)).expect(t, 200); got.body != string(data) {
		t.Errorf("GET %s: other bytes", got.Request.URL)
	}
}

var (
	tokenField = regexp.MustCompile(`name="authenticity_token" value="([^"]+)"`)
	formAction = regexp.MustCompile(`<form[^>]* action="([^"]+)"`)
)

// create fills in the form as a session does: its token fits the session's cookie.
func (b browser) create(t *testing.T) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	session := client()
	session.Jar = jar
	form := b.askWith(t, session, http.MethodGet, "/posts/new", nil).expect(t, 200)
	token, action := tokenField.FindStringSubmatch(form.body), formAction.FindStringSubmatch(form.body)
	if token == nil || action == nil || action[1] != b.prefix+"/posts" {
		t.Fatalf("there is no form for %s/posts: %q\n%s", b.prefix, action, form.body)
	}
	title := "Größe & <b> " + t.Name()
	fields := url.Values{"authenticity_token": {html.UnescapeString(token[1])}, "post[title]": {title}, "post[body]": {"text"}}
	post := func(session *http.Client) page {
		return b.askWith(t, session, http.MethodPost, "/posts", strings.NewReader(fields.Encode()),
			"Content-Type", "application/x-www-form-urlencoded")
	}
	post(client()).expect(t, 422) // another session

	location := post(session).expect(t, 302).Header.Get("Location")
	path, found := strings.CutPrefix(location, b.url)
	if !found || !regexp.MustCompile(`^/posts/\d+$`).MatchString(path) {
		t.Fatalf("POST /posts: redirected to %q", location)
	}
	got := b.askWith(t, session, http.MethodGet, path, nil).expect(t, 200)
	if !strings.Contains(got.body, "Post was created.") || !strings.Contains(got.body, "<h1>"+html.EscapeString(title)+"</h1>") {
		t.Errorf("GET %s:\n%s", path, got.body)
	}
	if again := b.askWith(t, session, http.MethodGet, path, nil).expect(t, 200); strings.Contains(again.body, "Post was created.") {
		t.Error("the notice was shown twice")
	}
	// The got has the button that deletes it: a form with a method of its own.
	fields = url.Values{"_method": {"delete"}}
	if token = tokenField.FindStringSubmatch(got.body); token != nil {
		fields.Set("authenticity_token", html.UnescapeString(token[1]))
	}
	b.askWith(t, session, http.MethodPost, path, strings.NewReader(fields.Encode()),
		"Content-Type", "application/x-www-form-urlencoded").expect(t, 303)
	b.get(t, path).expect(t, 404)
}

// send uploads a file as a form does.
func (b browser) send(t *testing.T, name string, data []byte) page {
	t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile("file", name)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = part.Write(data) // a bytes.Buffer takes everything
	if err := form.Close(); err != nil {
		t.Fatal(err)
	}
	return b.ask(t, http.MethodPost, "/upload", &body, "Content-Type", form.FormDataContentType()).expect(t, 200)
}

func (b browser) upload(t *testing.T) {
	data := randomBytes(3 << 20)
	b.send(t, "large.bin", data).is(t, digested(data))
	if got := b.get(t, "/download/large.bin").expect(t, 200); got.body != string(data) {
		t.Errorf("GET /download/large.bin: %d bytes of %d, not those that were sent", len(got.body), len(data))
	}
}

func (b browser) echo(t *testing.T) {
	for _, size := range []int{0, 1, 70_000, 5 << 20} {
		data := randomBytes(size)
		b.ask(t, http.MethodPost, "/echo", bytes.NewReader(data), "Content-Type", "application/octet-stream").
			expect(t, 200).is(t, digested(data))
	}
	data := randomBytes(300_000)
	chunked := struct{ io.Reader }{bytes.NewReader(data)} // its length cannot be told
	b.ask(t, http.MethodPost, "/echo", chunked, "Content-Type", "application/octet-stream").expect(t, 200).is(t, digested(data))
}

func (b browser) head(t *testing.T) {
	got := b.ask(t, http.MethodHead, "/posts", nil).expect(t, 200)
	if got.body != "" || !strings.HasPrefix(got.Header.Get("Content-Type"), "text/html") {
		t.Errorf("HEAD /posts: %v %q", got.Header, got.body)
	}
	b.ask(t, http.MethodHead, "/nowhere", nil).expect(t, 404)
}

// raise is an error that Rails answers and logs itself.
func (b browser) raise(t *testing.T) {
	before := b.workers()
	if got := b.get(t, "/raise").expect(t, 500); !strings.Contains(got.body, "Something went wrong") {
		t.Errorf("GET /raise: not the got of public/500.html: %s", got.body)
	}
	b.stillServedBy(t, before)
	if log, err := os.ReadFile(filepath.Join(b.in.root, "log", "production.log")); err != nil ||
		!bytes.Contains(log, []byte("raised on purpose")) || !bytes.Contains(log, []byte("probes_controller.rb:")) {
		t.Errorf("production.log has no backtrace (%v)", err)
	}
}

// staticFiles tells by a header of Rails who answered.
func (b browser) staticFiles(t *testing.T) {
	for path, file := range map[string]string{"/robots.txt": "robots.txt", "/read%20me.txt": "read me.txt", "/logo.png": "logo.png"} {
		want, err := os.ReadFile(filepath.Join(b.in.root, "public", file))
		if err != nil {
			t.Fatal(err)
		}
		got := b.get(t, path)
		switch rails := got.Header.Get("X-Runtime") != ""; {
		case b.static && (got.StatusCode != 200 || got.body != string(want) || rails):
			t.Errorf("GET %s: %d, by Rails: %v, %q; want the file", path, got.StatusCode, rails, got.body)
		case !b.static && (got.StatusCode != 404 || !rails):
			t.Errorf("GET %s: %d, by Rails: %v; want a 404 of the application's", path, got.StatusCode, rails)
		}
	}
}

// browseHello asks for what a Rack application without a framework may answer.
func browseHello(t *testing.T, b browser) {
	for _, part := range []struct {
		name string
		do   func(*testing.T)
	}{
		{"cookies", b.cookies}, {"no body", b.noBody}, {"raw bytes", b.rawBytes}, {"big", b.big},
		{"raise", b.raiseToServer}, {"headers", b.headers},
		{"stream", func(t *testing.T) { b.streams(t, "") }},
		{"called stream", func(t *testing.T) { b.streams(t, "&body=call") }},
	} {
		t.Run(part.name, part.do)
	}
}

func (b browser) cookies(t *testing.T) {
	want := []string{"one=1; path=/", "two=2; path=/; httponly"}
	if got := b.get(t, "/cookies").expect(t, 200).Header.Values("Set-Cookie"); !slices.Equal(got, want) {
		t.Errorf("Set-Cookie: %q, want %q", got, want)
	}
}

func (b browser) noBody(t *testing.T) {
	if got := b.get(t, "/204").expect(t, 204); got.body != "" {
		t.Errorf("GET /204: %q", got.body)
	}
	if got := b.get(t, "/304").expect(t, 304); got.body != "" || got.Header.Get("ETag") != `"hello"` {
		t.Errorf("GET /304: %q, %v", got.body, got.Header)
	}
	if got := b.ask(t, http.MethodHead, "/head", nil).expect(t, 200); got.body != "" || got.ContentLength != int64(len("not for HEAD\n")) {
		t.Errorf("HEAD /head: %q, Content-Length %d", got.body, got.ContentLength)
	}
}

func (b browser) rawBytes(t *testing.T) {
	for _, size := range []int{0, 1, 65_535, 65_536, 1 << 20} {
		data := randomBytes(size)
		got := b.ask(t, http.MethodPost, "/echo", bytes.NewReader(data), "Content-Type", "application/x-test").expect(t, 200)
		if got.body != string(data) || got.Header.Get("Content-Type") != "application/x-test" {
			t.Errorf("POST /echo of %d bytes: %d bytes of %s, not those that were sent", size, len(got.body), got.Header.Get("Content-Type"))
		}
	}
}

func (b browser) big(t *testing.T) {
	const size = 20_000_000
	got := b.get(t, fmt.Sprintf("/big?bytes=%d", size)).expect(t, 200)
	if got.body != strings.Repeat("0123456789", size/10) {
		t.Errorf("GET /big: %d bytes of %d, or others", len(got.body), size)
	}
}

// raiseToServer is an exception that nobody in the application rescues.
func (b browser) raiseToServer(t *testing.T) {
	before := b.workers()
	reports := b.in.count(`GET \S*/raise: RuntimeError: raised on purpose`)
	b.get(t, "/raise").expect(t, 500)
	b.stillServedBy(t, before)
	b.in.waitLines(`GET \S*/raise: RuntimeError: raised on purpose`, reports+1)
	b.in.waitLines(`^\t.*/lib/hello\.rb:\d+:in .*fail_on_purpose`, reports+1)
}

func (b browser) headers(t *testing.T) {
	got := b.ask(t, http.MethodGet, "/env", nil, "X-Two-Words", "a  b;c", "Proxy", "http://127.0.0.1:1", "Cookie", "a=1; b=2").expect(t, 200)
	got.is(t, map[string]any{"HTTP_X_TWO_WORDS": "a  b;c", "HTTP_COOKIE": "a=1; b=2", "SCRIPT_NAME": b.prefix, "PATH_INFO": "/env"})
	if proxy, ok := got.json(t)["HTTP_PROXY"]; ok {
		t.Errorf("HTTP_PROXY is %v: a client chose the proxy of the application", proxy)
	}
}
