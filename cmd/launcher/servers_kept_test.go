//go:build linux

package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"launcher/fcgi"
)

const (
	keptWorkers = servedWorkers
	keptRolls   = 3
	keptVisits  = 150 // at least, between two rolls
)

// keepingServers are those that can keep connections to workers, and do here.
func keepingServers() []webServer {
	return []webServer{
		{name: "nginx", program: "nginx", foreground: []string{"-c"},
			keeps: strings.NewReplacer("keepalive 0;", "", "least_conn;", "least_conn; keepalive 8;")},
		{name: "haproxy", program: "haproxy", foreground: []string{"-db", "-f"},
			keeps: strings.NewReplacer("no option keep-conn", "option keep-conn")},
	}
}

// TestServersKeptConnections: POSTs come without a pause over connections that the web server keeps to workers, while
// release follows release. A worker that leaves may be sent one at any moment, and none may be sent twice: all are served.
func TestServersKeptConnections(t *testing.T) {
	t.Parallel()
	for _, s := range keepingServers() {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			root := writeApp(t, map[string]string{"config.ru": `run(lambda { |env| [200, {}, [env["rack.input"].read.bytesize.to_s, " ", Process.pid.to_s]] })`})
			in := start(t, startOptions{root: root, args: []string{strconv.Itoa(keptWorkers), "--refork-after", "never"}}).serving()
			posts := startPosts(8, s.run(t, root))
			for generation := 1; generation <= keptRolls; generation++ {
				posts.await(t, keptVisits)
				in.signal(syscall.SIGHUP)
				in.rolled(generation, generation+1, keptWorkers)
			}
			posts.await(t, keptVisits)
			if served, failed := posts.end(); len(failed) > 0 {
				t.Errorf("%d of %d failed: %v", len(failed), served+len(failed), failed)
			}
		})
	}
}

// posts are uploads of several clients, each of which sends one after the other over a connection of its own.
type posts struct {
	quit   chan struct{}
	wait   sync.WaitGroup
	mu     sync.Mutex
	served int
	failed []error
}

func startPosts(clients int, url string) *posts {
	p := &posts{quit: make(chan struct{})}
	for range clients {
		p.wait.Go(func() {
			client := &http.Client{Timeout: patience, Transport: &http.Transport{}}
			defer client.CloseIdleConnections()
			for {
				select {
				case <-p.quit:
					return
				default:
					p.note(post(client, url))
				}
			}
		})
	}
	return p
}

var upload = strings.Repeat("a", 1024)

func post(client *http.Client, url string) error {
	response, err := client.Post(url, "text/plain", strings.NewReader(upload))
	if err != nil {
		return err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if response.StatusCode != http.StatusOK || !strings.HasPrefix(string(text), strconv.Itoa(len(upload))+" ") {
		return errors.Join(err, fmt.Errorf("%d %q", response.StatusCode, text))
	}
	return err
}

func (p *posts) note(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err != nil {
		p.failed = append(p.failed, err)
	} else {
		p.served++
	}
}

// await waits until so many more were served.
func (p *posts) await(t *testing.T, more int) {
	t.Helper()
	count := func() int {
		p.mu.Lock()
		defer p.mu.Unlock()
		return p.served
	}
	want := count() + more
	waitFor(t, "uploads to be served", func() bool { return count() >= want })
}

func (p *posts) end() (served int, failed []error) {
	close(p.quit)
	p.wait.Wait()
	return p.served, p.failed
}

// TestStopWithKeptConnections: each of several web servers has a connection to a worker, and sends its next request as soon as it has its
// answer. A stop ends each connection behind a response, so that no request is lost, and does not wait for them to fall silent.
func TestStopWithKeptConnections(t *testing.T) {
	t.Parallel()
	root := writeApp(t, map[string]string{"config.ru": `run(lambda { |env| sleep(0.01); [200, {}, ["ok"]] })`})
	in := start(t, startOptions{root: root, args: []string{"2", "--refork-after", "never", "--drain-timeout", "10m"}}).serving()
	var clients sync.WaitGroup
	var served atomic.Int64
	for n := range 8 {
		clients.Go(func() {
			for {
				conn, err := net.Dial("unix", in.socket(n%2))
				if err != nil {
					return // there is no socket any more
				}
				if err := askUntilItEnds(conn, &served); err != nil {
					t.Errorf("a request is lost: %v", err)
				}
				_ = conn.Close()
			}
		})
	}
	in.waitFor("requests", func() bool { return served.Load() > 100 })
	in.signal(syscall.SIGTERM)
	in.gone(0)
	clients.Wait()
	if n := in.count("killed"); n > 0 {
		t.Error("workers were killed")
	}
}

// askUntilItEnds sends one request after the other over a connection, until that takes no more. It is an error where one was sent whole and
// not answered.
func askUntilItEnds(conn net.Conn, served *atomic.Int64) error {
	begin := fcgi.AppendBeginRequest(nil, 1, fcgi.RoleResponder)
	begin[fcgi.HeaderLen+2] = 1 // FCGI_KEEP_CONN
	params, err := fcgi.Params{{Name: "REQUEST_METHOD", Value: "GET"}, {Name: "SCRIPT_NAME"}, {Name: "PATH_INFO", Value: "/"}}.Append(nil)
	if err != nil {
		return err
	}
	request := slices.Concat(begin, fcgi.AppendRecord(nil, fcgi.TypeParams, 1, params), fcgi.AppendRecord(nil, fcgi.TypeParams, 1, nil), fcgi.AppendRecord(nil, fcgi.TypeStdin, 1, nil))
	answers := fcgi.NewRecordReader(conn)
	for {
		if _, err := conn.Write(request); err != nil {
			return nil
		}
		for answered := false; !answered; {
			record, err := answers.Next()
			if err != nil {
				return err
			}
			answered = record.Type == fcgi.TypeEndRequest
		}
		served.Add(1)
	}
}
