package control

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"launcher/preforker/hint"
	"launcher/preforker/internal/testdir"
	"launcher/preforker/linux"
	"launcher/preforker/sockets"
)

// controlled is a control socket with verbs of each kind: GET /status, GET /big, which returns more
// than a socket's buffer holds, POST /turn, and POST /count, which tells its progress.
type controlled struct {
	*Server
	end  context.CancelFunc
	done chan struct{}
}

type turn struct {
	To    string `json:"to"`
	Times int    `json:"times"`
}

// testVerbs count up to a number, and then wait for the client to leave, or the launcher to end, where that is
// negative.
func testVerbs() []Verb {
	return []Verb{
		StatusVerb(func(context.Context) (Status, error) { return Status{Version: StatusVersion, State: "running"}, nil }),
		Get("/big", func(context.Context) (string, error) { return strings.Repeat("x", 4<<20), nil }),
		Post("/turn", func(_ context.Context, request turn) (any, error) {
			if request.To == "" {
				return nil, BadRequest("name a side", "turn: no side is named")
			}
			return request, nil
		}),
		Follow("/count", func(ctx context.Context, request turn, tell func(any)) (any, error) {
			for n := range max(request.Times, -request.Times) {
				tell(turn{To: request.To, Times: n})
			}
			if request.Times < 0 {
				<-ctx.Done()
				return nil, context.Cause(ctx)
			}
			if request.To == "nowhere" {
				return nil, hint.Errorf("count to somewhere", "count: there is nothing")
			}
			return "counted", nil
		}),
	}
}

func start(t *testing.T, dir string) *controlled {
	t.Helper()
	return startPatient(t, dir, clientTimeout)
}

func startPatient(t *testing.T, dir string, patience time.Duration) *controlled {
	t.Helper()
	return startWith(t, dir, patience, testVerbs()...)
}

func startWith(t *testing.T, dir string, patience time.Duration, verbs ...Verb) *controlled {
	t.Helper()
	c, err := Listen(dir, sockets.Staleness{})
	if err != nil {
		t.Fatal(err)
	}
	c.timeout = patience
	ctx, end := context.WithCancel(context.Background())
	started := &controlled{c, end, make(chan struct{})}
	go func() {
		defer close(started.done)
		c.Serve(ctx.Done(), verbs...)
	}()
	t.Cleanup(started.stop)
	return started
}

func (c *controlled) stop() {
	c.end()
	<-c.done
	c.Close()
}

func (c *controlled) dial(t *testing.T) net.Conn {
	t.Helper()
	conn, err := net.Dial("unix", c.path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(testdir.Patience))
	return conn
}

// says writes something and answers what comes back.
func (c *controlled) says(t *testing.T, text string, end bool) string {
	t.Helper()
	conn := c.dial(t)
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
	if end {
		_ = conn.(*net.UnixConn).CloseWrite()
	}
	answer, _ := io.ReadAll(conn)
	return string(answer)
}

// request sends a request and returns the status and the body.
func (c *controlled) request(t *testing.T, method, path, body string) (status int, header http.Header, text string) {
	t.Helper()
	answer, err := http.ReadResponse(bufio.NewReader(strings.NewReader(c.says(t,
		fmt.Sprintf("%s %s HTTP/1.1\r\nHost: launcher\r\nContent-Length: %d\r\n\r\n%s", method, path, len(body), body), false))), nil)
	if err != nil {
		t.Fatal(err)
	}
	read, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Error(err)
	}
	return answer.StatusCode, answer.Header, string(read)
}

const asksStatus = "GET /status HTTP/1.1\r\nHost: launcher\r\n\r\n"

// TestControlAnswers what each verb returns; each error is an object that says what to do.
func TestControlAnswers(t *testing.T) {
	dir := testdir.Short(t)
	c := start(t, dir)
	if info, err := os.Lstat(c.path); err != nil || info.Mode() != os.ModeSocket|0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	for _, test := range []struct {
		method, path, body string
		status             int
		says               string
	}{
		{"GET", "/status", "", 200, `"state":"running"`},
		{"GET", "/status?pretty", "", 200, `"state":"running"`},
		{"POST", "/turn", `{"to":"left"}`, 200, `{"done":true,"result":{"to":"left","times":0}}`},
		{"POST", "/turn", "", 400, `{"error":"turn: no side is named","try":"name a side"}`},
		{"POST", "/turn", `{"to":`, 400, `"try":"send one JSON object, or nothing: curl --data '{}'"`},
		{"POST", "/turn", `{"to":"left"} {}`, 400, `there is more than one value`},
		{"POST", "/turn", `{"to":"left"} ]`, 400, `there is more than one value`},
		{"POST", "/turn", `{"wo":"left"}`, 400, `{"error":"read request: unknown field \"wo\"","try":"`},
		{"POST", "/turn", `{"to":1}`, 400, `{"error":"read request: \"to\" is of type string, not number","try":"`},
		{"POST", "/turn", `[]`, 400, `{"error":"read request: it is an object, not array","try":"`},
		{"POST", "/turn", `x`, 400, `{"error":"read request: it is no JSON: invalid character 'x' looking for beginning of value","try":"`},
		{"POST", "/turn", strings.Repeat(" ", maxBody+1), 400, `"try":"send at most 65536 bytes"`},
		{"POST", "/count", `{"to":"a","times":2}`, 200, "{\"to\":\"a\",\"times\":0}\n{\"to\":\"a\",\"times\":1}\n{\"done\":true,\"result\":\"counted\"}\n"},
		{"POST", "/count", `{"to":"nowhere","times":1}`, 200, "\n{\"done\":false,\"error\":\"count: there is nothing\",\"try\":\"count to somewhere\"}\n"},
		{"POST", "/count", `{"to":"nowhere"}`, 409, `{"done":false,"error":"count: there is nothing","try":"count to somewhere"}`},
		{"GET", "/", "", 404, `"try":"ask for one of: GET /status, GET /big, POST /turn, POST /count"`},
		{"GET", "/<a>\x7f", "", 400, ""},
		{"GET", "/turn", "", 405, `"try":"use POST"`},
		{"DELETE", "/status", "", 405, `"try":"use GET"`},
	} {
		status, header, text := c.request(t, test.method, test.path, test.body)
		if status != test.status || !strings.Contains(text, test.says) {
			t.Errorf("%s %s %.80q: %d %.300q", test.method, test.path, test.body, status, text)
		}
		if test.says != "" && (!strings.HasSuffix(text, "}\n") || !strings.HasPrefix(header.Get("Content-Type"), "application/")) {
			t.Errorf("%s %s: %v %.300q", test.method, test.path, header, text)
		}
		if status == 405 && header.Get("Allow") == "" {
			t.Errorf("%s %s: no Allow: %v", test.method, test.path, header)
		}
	}
	c.stop()
	if got := testdir.Names(t, dir); len(got) != 0 {
		t.Errorf("left: %q", got)
	}
}

// TestControlTellsOlderClients, which send a line and read one JSON object, what is the matter; and so does it
// with whoever speaks no HTTP.
func TestControlTellsOlderClients(t *testing.T) {
	c := start(t, testdir.Short(t))
	for _, test := range []struct {
		text string
		end  bool
	}{
		{"status\n", false}, {"status\r\n", false}, {"status", true}, {"\n", false}, {"<a>\x1b\n and more\n", false},
		{strings.Repeat("x", 2*maxHeader), false}, {"GET /status\r\n\r\n", false},
	} {
		var answer refusal
		got := c.says(t, test.text, test.end)
		if json.Unmarshal([]byte(got), &answer) != nil || !strings.Contains(answer.Error, "speaks HTTP") || !strings.Contains(answer.Try, "curl") {
			t.Errorf("%.80q: %q", test.text, got)
		}
	}
}

// TestControlTellsProgressAtOnce: those who follow something take no place of those who want a short answer, and are
// told when the launcher ends. Too many of them are refused.
func TestControlTellsProgressAtOnce(t *testing.T) {
	c := start(t, testdir.Short(t))
	var following []*bufio.Reader
	for n := range maxFollowers + 1 {
		conn := c.dial(t)
		body := `{"times":-1}`
		_, _ = fmt.Fprintf(conn, "POST /count HTTP/1.1\r\nHost: launcher\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
		in := bufio.NewReader(conn)
		answer, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewReader(answer.Body)
		line, _ := lines.ReadString('\n')
		switch {
		case n < maxFollowers:
			following = append(following, lines)
			if answer.StatusCode != 200 || line != "{\"to\":\"\",\"times\":0}\n" {
				t.Errorf("%d: %d %q", n, answer.StatusCode, line)
			}
		case answer.StatusCode != 503 || !strings.Contains(line, "32 clients wait for something already") || !strings.Contains(line, `"try"`):
			t.Errorf("%d: %d %q", n, answer.StatusCode, line)
		}
	}
	if got := c.says(t, asksStatus, false); !strings.Contains(got, `"running"`) {
		t.Errorf("%q", got)
	}
	c.stop()
	for _, lines := range following {
		if rest, err := io.ReadAll(lines); err != nil || !strings.Contains(string(rest), `{"done":false,"error":"the launcher is ending"`) {
			t.Errorf("%q, %v", rest, err)
		}
	}
}

// TestControlWithManySilentClients: whoever says what it wants is answered, while all of them stay,
// each of whom has far more time than the test.
func TestControlWithManySilentClients(t *testing.T) {
	c := startPatient(t, testdir.Short(t), time.Hour)
	for range 20 * maxClients {
		c.dial(t)
	}
	for range 3 {
		if got := c.says(t, asksStatus, false); !strings.Contains(got, `"running"`) {
			t.Errorf("got %q", got)
		}
	}
}

// TestControlIsNotHeldUp by clients that do not read what they have asked for: as many as are
// talked to at once are given up, and others are answered.
func TestControlIsNotHeldUp(t *testing.T) {
	c := start(t, testdir.Short(t))
	var slow []net.Conn
	for range maxClients {
		conn := c.dial(t)
		if _, err := io.WriteString(conn, "GET /big HTTP/1.1\r\nHost: launcher\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		slow = append(slow, conn)
	}
	if got := c.says(t, asksStatus, false); !strings.Contains(got, `"running"`) {
		t.Errorf("%q", got)
	}
	cut := slices.ContainsFunc(slow, func(conn net.Conn) bool {
		text, _ := io.ReadAll(conn)
		return len(text) < 4<<20
	})
	if !cut {
		t.Error("none of them was given up")
	}
}

// TestControlEndsAtOnce though it talks to clients that say nothing, and has an hour for each.
func TestControlEndsAtOnce(t *testing.T) {
	c := startPatient(t, testdir.Short(t), time.Hour)
	for range maxClients - 1 {
		c.dial(t)
	}
	if got := c.says(t, asksStatus, false); !strings.Contains(got, `"running"`) { // so the others have been accepted
		t.Errorf("%q", got)
	}
	c.end()
	select {
	case <-c.done:
	case <-time.After(testdir.Patience):
		t.Fatal("it waits for its clients")
	}
}

func TestControlReplacesAStaleSocketAlone(t *testing.T) {
	dir := testdir.Short(t)
	path := filepath.Join(dir, SocketName)
	stale, err := linux.Listen(path, linux.SocketOptions{Mode: 0o640, Gid: -1})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(dir, sockets.Staleness{}); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("the process %d listens on %s", os.Getpid(), path)) {
		t.Errorf("a socket in use: %v", err)
	}
	_ = stale.Close()
	c := start(t, dir)
	if got := c.says(t, asksStatus, false); !strings.Contains(got, `"running"`) {
		t.Errorf("%q", got)
	}
	// Somebody has cleaned the folder, and put something there.
	if err := errors.Join(os.Remove(path), os.WriteFile(path, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	c.stop()
	if _, err := Listen(dir, sockets.Staleness{}); err == nil || !strings.Contains(err.Error(), "is not a socket") || !strings.Contains(hint.Of(err), "--socket-dir") {
		t.Errorf("a file: %v", err)
	}
}

// TestServe hands out the status, refuses the rest, and ends with whoever has it serve.
func TestServe(t *testing.T) {
	server, err := Listen(testdir.Short(t), sockets.Staleness{})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	var failed atomic.Bool
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		server.Serve(done, StatusVerb(func(context.Context) (Status, error) {
			if failed.Load() {
				return Status{}, errors.New("on purpose")
			}
			return Status{Version: StatusVersion, State: "running"}, nil
		}))
	}()
	dir := filepath.Dir(server.Path())
	if status, text, err := AskStatus(t.Context(), dir); err != nil || status.State != "running" || !json.Valid(text) {
		t.Errorf("%+v, %q, %v", status, text, err)
	}
	failed.Store(true)
	if _, _, err := AskStatus(t.Context(), dir); err == nil || !strings.Contains(err.Error(), "on purpose") {
		t.Errorf("%v", err)
	}
	if server.Lost() {
		t.Error("its file is there, and is told to be lost")
	}
	close(done)
	<-ended
	server.Close()
	if !server.Lost() {
		t.Error("its file is gone, and is not told to be lost")
	}
}
