//go:build linux

package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// webServer is one of those that "launcher config" writes for, with what it does in another way than the others, and
// which no configuration changes.
type webServer struct {
	name, program string
	foreground    []string // the arguments before the name of its configuration
	sendfile      string   // the header that names a file to it; "": it sends none
	noFiles       bool     // it serves none
	noSpool       bool     // a worker is asked before an upload is complete
	retries       bool     // a GET whose worker has died is sent once more
	died          int      // the status of a request whose worker has died
	blind         bool     // it takes a response that breaks off for a whole one
	noClock       bool     // it does not note when a request came
	late          bool     // a worker counts as busy for a moment longer, so that another one that is may be asked
	headless      bool     // it takes Content-Length from the response to a HEAD
	chunked       int      // the status of an upload without a length that no buffer holds; 0: the application gets it
	getBody       int      // the status of a GET with a body; 0: the application gets it
	// own are the targets that it answers itself, with the status; told are those that the application is told in
	// another way than the client wrote.
	own  map[string]int
	told map[string]string
	// keeps makes a configuration of it in which connections to workers are kept.
	keeps *strings.Replacer
}

func servers() []webServer {
	return []webServer{
		{name: "lighttpd", program: "lighttpd", foreground: []string{"-D", "-f"}, sendfile: "X-Sendfile", died: 500, getBody: 400, noClock: true,
			own: map[string]int{"/x%0A/..%2F.env": 400, "/%FF%FE": 400, "/orders?a=%00%ff&b=%": 400}},
		{name: "nginx", program: "nginx", foreground: []string{"-c"}, sendfile: "X-Accel-Redirect", retries: true, died: 502},
		{name: "haproxy", program: "haproxy", foreground: []string{"-db", "-f"}, noFiles: true, noSpool: true, died: 502, chunked: 400,
			own: map[string]int{"/x%0A/..%2F.env": 400}},
		{name: "apache", program: "apache2", foreground: []string{"-D", "FOREGROUND", "-f"}, sendfile: "X-Sendfile", noSpool: true, died: 503, headless: true, late: true,
			own: map[string]int{"/x%0A/..%2F.env": 400}},
		{name: "caddy", program: "caddy", foreground: []string{"run", "--adapter", "caddyfile", "--config"}, sendfile: "X-Sendfile", noSpool: true,
			retries: true, died: 502, blind: true, late: true, own: map[string]int{"/x%0A/..%2F.env": 400}},
	}
}

// eachServer runs a test behind each of them.
func eachServer(t *testing.T, test func(*testing.T, webServer)) {
	t.Parallel()
	for _, s := range servers() {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			test(t, s)
		})
	}
}

// served has the routes of hello, and says of any other request how it was told.
const served = `require_relative "lib/hello"

class Part
  def initialize(path, *pieces)
    @path = path
    @pieces = pieces
  end

  def to_path
    @path
  end

  def each
    @pieces.each { |piece| yield piece.respond_to?(:call) ? piece.call : piece }
  end
end

class Cut
  def initialize(gate)
    @gate = Gate.new(ENV["HELLO_GATES"], gate)
  end

  def each
    yield "0123456789" * 20_000
    @gate.wait
    raise "broken off on purpose"
  end
end

hello = Hello.new
text = { "content-type" => "text/plain", "x-application" => "yes" }
files = lambda do |env|
  path = File.join(Dir.pwd, "storage", Rack::Utils.parse_query(env["QUERY_STRING"])["name"])
  [200, { "content-type" => "text/x-own" }, Part.new(path, -> { File.read(path) })]
end
files = Rack::Sendfile.new(files, ENV["HELLO_SENDFILE"]) if ENV["HELLO_SENDFILE"]

run(lambda do |env|
  case env["PATH_INFO"]
  when "/file" then files.call(env)
  when "/cut" then [200, { "content-type" => "text/plain" }, Cut.new(Rack::Utils.parse_query(env["QUERY_STRING"])["gate"])]
  when "/head-of" then [200, text.merge(%w[x-one x-two x-three].map { |name| [name, "x" * 6000] }.to_h), ["long"]]
  else
    status, headers, body = hello.call(env)
    next [status, headers, body] unless status == 404

    [200, text, [env.values_at("REQUEST_METHOD", "REQUEST_URI").push(env["rack.input"].read.bytesize).join(" ")]]
  end
end)
`

// servedWorkers are more than a request may be asked of.
const servedWorkers = 3

// servedFiles are the files of its static folder.
var servedFiles = map[string]string{
	"robots.txt":                       "static robots",
	"assets/app.css":                   "static css",
	"assets/app-3f2a91bc.css":          "static fingerprinted",
	"with space.txt":                   "static space",
	"ünïcode.txt":                      "static unicode",
	"docs/guide.html":                  "static guide",
	"manual/index.html":                "static index",
	".env":                             "secret",
	".git/config":                      "secret",
	"assets/.hidden/x.txt":             "secret",
	".well-known/acme-challenge/token": "static token",
	".well-known/.secret":              "secret",
	".well-knownish/x":                 "secret",
	"dispatch.fcgi":                    "source code",
}

// startServed starts that application, and a web server in front of it.
func startServed(t *testing.T, s webServer, args ...string) browser {
	t.Helper()
	root := copyApp(t, "hello")
	if err := os.Chmod(filepath.Dir(root), 0o755); err != nil { // Apache does not serve as root
		t.Fatal(err)
	}
	write(t, filepath.Join(root, "config.ru"), served)
	write(t, filepath.Join(root, "storage/a.bin"), "0123456789")
	write(t, filepath.Join(root, "storage/100%25 ü.bin"), "odd")
	for name, text := range servedFiles {
		write(t, filepath.Join(root, "public", name), text)
	}
	gates := t.TempDir()
	env := []string{"HELLO_GATES=" + gates}
	if s.sendfile != "" {
		env = append(env, "HELLO_SENDFILE="+s.sendfile)
	}
	in := start(t, startOptions{root: root, env: env, args: append([]string{strconv.Itoa(servedWorkers)}, args...)}).serving()
	return browser{in: in, gates: gates, url: s.run(t, root, args...), static: !s.noFiles}
}

// run runs the web server with what the launcher writes for it, checked, until the test ends.
func (s webServer) run(t *testing.T, root string, args ...string) (url string) {
	t.Helper()
	port, temp := freePort(t), t.TempDir()
	got := finishWith(t, root, []string{"TMPDIR=" + temp}, append([]string{"config", "--server", s.name, "--full", "--check", "--port", strconv.Itoa(port),
		strconv.Itoa(servedWorkers)}, args...)...)
	if got.status != exitOK {
		t.Fatalf("launcher config --server %s: %+v", s.name, got)
	}
	if s.keeps != nil {
		got.stdout = s.keeps.Replace(got.stdout)
	}
	file := filepath.Join(temp, s.name+".conf")
	write(t, file, got.stdout)
	cmd := exec.Command(tool(t, s.program), append(s.foreground, file)...)
	cmd.Env = append(cleanEnv(), "HOME="+temp, "XDG_DATA_HOME="+temp, "XDG_CONFIG_HOME="+temp)
	return runServer(t, cmd, port, got.stdout)
}

// lockedBuffer is written to by one goroutine and read by another.
type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// target sends a request whose target and headers are spelt as given.
func (b browser) target(t *testing.T, method, target, body string, header ...string) page {
	t.Helper()
	host := strings.TrimPrefix(b.url, "http://")
	conn, err := net.Dial("tcp", host)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	var head strings.Builder
	fmt.Fprintf(&head, "%s %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n", method, target, host)
	if body != "" || slices.Contains([]string{"POST", "PUT", "PATCH"}, method) {
		fmt.Fprintf(&head, "Content-Length: %d\r\n", len(body))
	}
	for i := 0; i < len(header); i += 2 {
		fmt.Fprintf(&head, "%s: %s\r\n", header[i], header[i+1])
	}
	if _, err := io.WriteString(conn, head.String()+"\r\n"+body); err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method, URL: &url.URL{Path: target}})
	if err != nil {
		t.Fatalf("%s %s: %v", method, target, err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return page{response, string(text), err}
}

func (p page) byApplication() bool { return p.Header.Get("X-Application") == "yes" }

// told is what the application says of a request without a body.
func (s webServer) toldAs(method, target string) string {
	if told, other := s.told[target]; other {
		target = told
	}
	return fmt.Sprintf("%s %s 0", method, target)
}

// within bounds a wait for something that a goroutine of the test does.
func within[T any](t *testing.T, what string, got <-chan T) T {
	t.Helper()
	var none T
	select {
	case value := <-got:
		return value
	case <-time.After(patience):
		t.Fatalf("waited in vain for %s", what)
	}
	return none
}
