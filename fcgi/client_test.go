package fcgi

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	stdfcgi "net/http/fcgi"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

func get() *Request { return &Request{Params: Params{{"REQUEST_METHOD", "GET"}}} }

// fetch does a request and reads its body.
func fetch(ctx context.Context, c *Client, req *Request) (*Response, string, error) {
	resp, err := c.Do(ctx, req)
	if err != nil {
		return nil, "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return resp, string(body), err
}

func TestClientResponses(t *testing.T) {
	const head = "Content-Type: text/plain\r\n\r\n"
	tests := []struct {
		name   string
		output []byte
		method string
		status int
		body   string
		stage  Stage
		err    error
	}{
		{name: "plain", output: whole("Content-Type: text/plain", "hello"), status: 200, body: "hello"},
		{name: "status", output: whole("Status: 404 Not Found", "no"), status: 404, body: "no"},
		{name: "status without reason", output: whole("Status: 500", ""), status: 500},
		{name: "location alone", output: whole("Location: http://x/", ""), status: 302},
		{name: "bare line feeds", output: join(stdout("Status: 201\nA: b\n\nok"), endOK()), status: 201, body: "ok"},
		{name: "no empty STDOUT", output: join(stdout(head+"x"), endOK()), status: 200, body: "x"},
		{name: "head split, STDERR before and between", status: 202, body: "ab",
			output: join(stderrRec("e1\n"), stdout("Status: 2"), stderrRec("e2\n"), stdout("02\r"), stdout("\n\r"), stdout("\na"), stderrRec("e3"), stdout("b"), endOK())},
		{name: "padding 255 and 65535 bytes", status: 200, body: strings.Repeat("y", MaxContent),
			output: join(stdout(head), []byte("\x01\x06\x00\x01\xff\xff\xff\x00"), bytes.Repeat([]byte("y"), MaxContent), make([]byte, 255), endOK())},
		{name: "head and body in one record of 65535 bytes", status: 200, body: strings.Repeat("z", MaxContent-len(head)),
			output: join(stdout(head+strings.Repeat("z", MaxContent-len(head))), endOK())},
		{name: "data after END_REQUEST", output: join(whole("A: b", "x"), stdout("evil"), []byte("garbage")), status: 200, body: "x"},
		{name: "content length", output: whole("Content-Length: 3", "abc"), status: 200, body: "abc"},
		{name: "content length twice", output: whole("Content-Length: 3\r\nContent-Length: 3", "abc"), status: 200, body: "abc"},
		{name: "HEAD with a body", method: "HEAD", output: whole("Content-Length: 3", "abc"), status: 200},
		{name: "HEAD with a length alone", method: "HEAD", output: whole("Content-Length: 3", ""), status: 200},
		{name: "204 with a body", output: whole("Status: 204", "abc"), status: 204},
		{name: "304 with a body", output: whole("Status: 304", "abc"), status: 304},
		{name: "chunked by the application", output: whole("Transfer-Encoding: chunked", "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"), status: 200, body: "abcde"},

		{name: "nothing", output: nil, stage: StageHead, err: ErrDied},
		{name: "END_REQUEST alone", output: endOK(), stage: StageHead, err: ErrNoResponse},
		{name: "empty STDOUT and END_REQUEST", output: join(stdout(""), endOK()), stage: StageHead, err: ErrNoResponse},
		{name: "head does not end", output: join(stdout("A: b\r\n"), endOK()), stage: StageHead, err: ErrBadHeader},
		{name: "dies in head", output: stdout("A: b\r\n"), stage: StageHead, err: ErrDied},
		{name: "empty head", output: whole("", "x"), stage: StageHead, err: ErrBadHeader},
		{name: "dies in body", output: stdout(head + "abc"), stage: StageBody, body: "abc", err: ErrDied},
		{name: "dies in a record", output: join(stdout(head), stdout("abcdef")[:10]), stage: StageBody, err: ErrDied},
		{name: "no END_REQUEST", output: join(stdout(head+"abc"), stdout("")), stage: StageBody, body: "abc", err: ErrDied},
		{name: "wrong id", output: AppendRecord(nil, TypeStdout, 2, []byte(head)), stage: StageHead, err: ErrRequestID},
		{name: "wrong id in body", output: join(stdout(head), AppendRecord(nil, TypeStdout, 2, []byte("x"))), stage: StageBody, err: ErrRequestID},
		{name: "wrong version", output: []byte("\x02\x06\x00\x01\x00\x00\x00\x00"), stage: StageHead, err: ErrVersion},
		{name: "wrong type", output: AppendRecord(nil, TypeStdin, 1, []byte(head)), stage: StageHead, err: ErrRecordType},
		{name: "http", output: []byte("HTTP/1.1 200 OK\r\n\r\n"), stage: StageHead, err: ErrVersion},
		{name: "endless header", output: bytes.Repeat(stdout("X-A: "+strings.Repeat("b", 1000)+"\r\n"), 100), stage: StageHead, err: ErrHeadTooLarge},
		{name: "endless header line", output: bytes.Repeat(stdout(strings.Repeat("b", 1000)), 100), stage: StageHead, err: ErrHeadTooLarge},
		{name: "status abc", output: whole("Status: abc", ""), stage: StageHead, err: ErrBadStatus},
		{name: "status 99", output: whole("Status: 99", ""), stage: StageHead, err: ErrBadStatus},
		{name: "status 100", output: whole("Status: 100 Continue", ""), stage: StageHead, err: ErrBadStatus},
		{name: "status 1000", output: whole("Status: 1000", ""), stage: StageHead, err: ErrBadStatus},
		{name: "status +20", output: whole("Status: +20", ""), stage: StageHead, err: ErrBadStatus},
		{name: "status empty", output: whole("Status:", ""), stage: StageHead, err: ErrBadStatus},
		{name: "status twice", output: whole("Status: 200\r\nStatus: 200", ""), stage: StageHead, err: ErrBadStatus},
		{name: "no colon", output: whole("HTTP/1.1 200 OK", ""), stage: StageHead, err: ErrBadHeader},
		{name: "space in name", output: whole("A : b", ""), stage: StageHead, err: ErrBadHeader},
		{name: "continuation line", output: whole("A: b\r\n c", ""), stage: StageHead, err: ErrBadHeader},
		{name: "carriage return in value", output: whole("A: b\rSet-Cookie: c", ""), stage: StageHead, err: ErrBadHeader},
		{name: "NUL in value", output: whole("A: b\x00", ""), stage: StageHead, err: ErrBadHeader},
		{name: "conflicting lengths", output: whole("Content-Length: 3\r\nContent-Length: 4", "abc"), stage: StageHead, err: ErrContentLength},
		{name: "negative length", output: whole("Content-Length: -3", "abc"), stage: StageHead, err: ErrContentLength},
		{name: "length of letters", output: whole("Content-Length: 1e3", "abc"), stage: StageHead, err: ErrContentLength},
		{name: "huge length", output: whole("Content-Length: 18446744073709551616", "abc"), stage: StageHead, err: ErrContentLength},
		{name: "body too long", output: whole("Content-Length: 3", "abcd"), stage: StageBody, body: "abc", err: ErrBodyLong},
		{name: "body too short", output: whole("Content-Length: 3", "ab"), stage: StageBody, body: "ab", err: ErrBodyShort},
		{name: "chunks cut", output: whole("Transfer-Encoding: chunked", "3\r\nabc\r\n"), stage: StageBody, body: "abc", err: ErrBodyShort},
		{name: "unknown coding", output: whole("Transfer-Encoding: gzip, chunked", ""), stage: StageHead, err: ErrBadHeader},
		{name: "overloaded", output: AppendEndRequest(nil, 1, 0, StatusOverloaded), stage: StageHead, err: ErrOverloaded},
		{name: "cannot multiplex", output: AppendEndRequest(nil, 1, 0, StatusCantMultiplex), stage: StageHead, err: ErrCantMultiplex},
		{name: "unknown role", output: AppendEndRequest(nil, 1, 0, StatusUnknownRole), stage: StageHead, err: ErrUnknownRole},
		{name: "unknown protocol status", output: AppendEndRequest(nil, 1, 0, 9), stage: StageHead, err: ErrProtocolStatus},
		{name: "overloaded in body", output: join(stdout(head+"a"), AppendEndRequest(nil, 1, 0, StatusOverloaded)), stage: StageBody, body: "a", err: ErrOverloaded},
		{name: "short END_REQUEST", output: join(stdout(head), AppendRecord(nil, TypeEndRequest, 1, []byte("abc"))), stage: StageBody, err: ErrRecordContent},
		{name: "output after the end of output", output: join(stdout(head), stdout(""), stdout("x"), endOK()), stage: StageBody, err: ErrStdoutClosed},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			client := &Client{Network: "unix", Address: responder(t, after(test.output))}
			method := test.method
			if method == "" {
				method = "GET"
			}
			resp, body, err := fetch(testContext(t), client, &Request{Params: Params{{"REQUEST_METHOD", method}}})
			var failed *Error
			if errors.As(err, &failed) != (test.err != nil) || !errors.Is(err, test.err) {
				t.Fatalf("got error %v, want %v", err, test.err)
			}
			if failed != nil && failed.Stage != test.stage {
				t.Errorf("got stage %v, want %v", failed.Stage, test.stage)
			}
			if body != test.body {
				t.Errorf("got body %.80q, want %.80q", body, test.body)
			}
			if test.err == nil && resp.Status != test.status {
				t.Errorf("got status %d, want %d", resp.Status, test.status)
			}
			if NothingSent(err) {
				t.Error("NothingSent, though something was")
			}
		})
	}
}

func TestClientSendsRequest(t *testing.T) {
	var params Params
	for i := range 800 {
		params = append(params, Param{fmt.Sprintf("NAME_%d", i), strings.Repeat("v", i)})
	}
	body := bytes.Repeat([]byte("0123456789"), 30000)
	got := make(chan *wireRequest, 1)
	client := &Client{Network: "unix", MaxParams: 1 << 20, Address: responder(t, func(conn net.Conn) {
		if req, err := readRequest(conn); err == nil {
			got <- req
			_, _ = conn.Write(whole("A: b", ""))
		}
	})}
	req := &Request{Params: params, Body: io.MultiReader(bytes.NewReader(body), strings.NewReader("more")), ContentLength: int64(len(body))}
	if _, _, err := fetch(testContext(t), client, req); err != nil {
		t.Fatal(err)
	}
	sent := <-got
	if want := append(slices.Clone(params), Param{"CONTENT_LENGTH", strconv.Itoa(len(body))}); !slices.Equal(sent.params, want) {
		t.Error("parameters differ")
	}
	if !bytes.Equal(sent.body, body) {
		t.Errorf("got a body of %d bytes, want %d", len(sent.body), len(body))
	}
}

func TestClientRefusesBadRequests(t *testing.T) {
	for name, req := range map[string]*Request{
		"negative length":    {ContentLength: -1},
		"length and no body": {ContentLength: 1},
		"other length":       {Params: Params{{"CONTENT_LENGTH", "2"}}, ContentLength: 1, Body: strings.NewReader("a")},
		"line feed":          {Params: Params{{"A", "b\n"}}},
		"too large":          {Params: Params{{"A", strings.Repeat("b", 70000)}}},
	} {
		_, err := (&Client{Network: "unix", Address: "/nowhere"}).Do(testContext(t), req)
		var failed *Error
		if !errors.As(err, &failed) || failed.Stage != StageEncode || NothingSent(err) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestClientConnectErrors(t *testing.T) {
	dir := tempDir(t)
	dead := filepath.Join(dir, "dead")
	listener := listen(t, dead)
	listener.(*net.UnixListener).SetUnlinkOnClose(false)
	listener.Close()
	for path, want := range map[string]error{filepath.Join(dir, "none"): syscall.ENOENT, dead: syscall.ECONNREFUSED} {
		_, err := (&Client{Network: "unix", Address: path}).Do(testContext(t), get())
		if !NothingSent(err) || !errors.Is(err, want) {
			t.Errorf("got %v, want %v", err, want)
		}
	}
}

// fullListener has a backlog of one, which connections fill.
func fullListener(t *testing.T) (listener net.Listener, path string) {
	t.Helper()
	path = filepath.Join(tempDir(t), "s")
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC|syscall.SOCK_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	file := os.NewFile(uintptr(fd), path)
	defer file.Close()
	if err := syscall.Bind(fd, &syscall.SockaddrUnix{Name: path}); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	listener, err = net.FileListener(file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	for {
		conn, err := net.Dial("unix", path)
		if errors.Is(err, syscall.EAGAIN) {
			return listener, path
		}
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
	}
}

func TestClientFullBacklog(t *testing.T) {
	_, path := fullListener(t)
	client := &Client{Network: "unix", Address: path, DialTimeout: time.Second}
	if _, err := client.Do(testContext(t), get()); !NothingSent(err) || !errors.Is(err, syscall.EAGAIN) {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(testContext(t))
	cancel()
	if _, err := client.Do(ctx, get()); !NothingSent(err) || !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestClientWaitsForBacklog(t *testing.T) {
	listener, path := fullListener(t)
	client := &Client{Network: "unix", Address: path, DialTimeout: patience}
	result := make(chan error, 1)
	go func() {
		_, _, err := fetch(testContext(t), client, get())
		result <- err
	}()
	// The connections that filled the backlog say nothing.
	respondOn(t, listener, func(conn net.Conn) {
		_ = conn.SetReadDeadline(time.Now().Add(time.Second))
		after(whole("A: b", "x"))(conn)
	})
	if err := <-result; err != nil {
		t.Error(err)
	}
}

// A chunk must be readable when its record has come, not when the next has.
func TestClientStreams(t *testing.T) {
	next := make(chan struct{})
	client := &Client{Network: "unix", Address: responder(t, func(conn net.Conn) {
		if _, err := readRequest(conn); err != nil {
			return
		}
		for _, part := range []string{"A: b\r\n\r\n", "one", "two"} {
			_, _ = conn.Write(stdout(part))
			<-next
		}
		_, _ = conn.Write(endOK())
	})}
	resp, err := client.Do(testContext(t), get())
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	buf := make([]byte, 100)
	for _, want := range []string{"one", "two"} {
		next <- struct{}{}
		if n, err := resp.Body.Read(buf); string(buf[:n]) != want || err != nil {
			t.Errorf("got %q, %v", buf[:n], err)
		}
	}
	next <- struct{}{}
	if _, err := resp.Body.Read(buf); !errors.Is(err, io.EOF) {
		t.Errorf("got %v", err)
	}
}

func TestClientStderr(t *testing.T) {
	flood := strings.Repeat("f", 100000) + "\n"
	var lines []string
	client := &Client{Network: "unix", MaxStderr: 10000, Stderr: func(line string) { lines = append(lines, line) },
		Address: responder(t, after(join(stderrRec("one\r\n\ntw"), stdout("A: b\r\n\r\n"), stderrRec("o\nb\xffd\n"), stderrRec(flood), stderrRec("lost"), endOK())))}
	if _, _, err := fetch(testContext(t), client, get()); err != nil {
		t.Fatal(err)
	}
	const seen = len("one\r\n\ntwo\nb?d\n")
	want := []string{"one", "two", "b\uFFFDd", strings.Repeat("f", maxStderrLine), strings.Repeat("f", maxStderrLine),
		strings.Repeat("f", 10000-seen-2*maxStderrLine), fmt.Sprintf("(%d more bytes were dropped)", len(flood)+4-(10000-seen))}
	if !reflect.DeepEqual(lines, want) {
		t.Errorf("got %.300q", lines)
	}
}

func silent(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }

func TestClientTimeouts(t *testing.T) {
	drip := func(conn net.Conn) {
		for {
			if _, err := conn.Write(stdout("X")); err != nil {
				return
			}
		}
	}
	stuck := func(conn net.Conn) {
		_, _ = conn.Write(stdout("A: b\r\n\r\nx"))
		silent(conn)
	}
	canceled, cancel := context.WithCancel(testContext(t))
	cancel()
	asked, cancel := context.WithCancel(testContext(t))
	defer cancel()
	cancelWhenAsked := func(conn net.Conn) {
		readHeadRecords(t, conn)
		cancel()
		silent(conn)
	}
	tests := []struct {
		name   string
		ctx    context.Context
		client Client
		answer func(net.Conn)
		stage  Stage
		err    error
	}{
		{"silence, head timeout", testContext(t), Client{HeadTimeout: 20 * time.Millisecond}, silent, StageHead, context.DeadlineExceeded},
		{"drip, head timeout", testContext(t), Client{HeadTimeout: 20 * time.Millisecond, MaxHead: 1 << 40}, drip, StageHead, context.DeadlineExceeded},
		{"silence, context", asked, Client{}, cancelWhenAsked, StageHead, context.Canceled},
		{"context was over", canceled, Client{}, silent, StageConnect, context.Canceled},
		{"body, idle timeout", testContext(t), Client{IdleTimeout: 20 * time.Millisecond}, stuck, StageBody, errIdle},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			test.client.Network, test.client.Address = "unix", responder(t, test.answer)
			if test.ctx == nil {
				ctx, cancel := context.WithTimeout(testContext(t), 500*time.Millisecond)
				defer cancel()
				test.ctx = ctx
			}
			_, _, err := fetch(test.ctx, &test.client, get())
			var failed *Error
			if !errors.As(err, &failed) || failed.Stage != test.stage || !errors.Is(err, test.err) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestClientCanceledInBody(t *testing.T) {
	ctx, cancel := context.WithCancel(testContext(t))
	client := &Client{Network: "unix", Address: responder(t, func(conn net.Conn) {
		_, _ = conn.Write(stdout("A: b\r\n\r\n"))
		silent(conn)
	})}
	resp, err := client.Do(ctx, get())
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	cancel()
	if _, err := resp.Body.Read(make([]byte, 1)); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// An application may answer before it has read the body, and even close.
func TestClientEarlyAnswer(t *testing.T) {
	r, w := io.Pipe()
	interrupted := make(chan struct{})
	client := &Client{Network: "unix", Address: responder(t, func(conn net.Conn) {
		readHeadRecords(t, conn)
		_, _ = conn.Write(whole("Status: 413", "no"))
	})}
	resp, body, err := fetch(testContext(t), client, &Request{Body: r, ContentLength: 1 << 30,
		Interrupt: func() { close(interrupted); w.Close() }})
	if err != nil || resp.Status != 413 || body != "no" {
		t.Errorf("got %v, %q, %v", resp, body, err)
	}
	waitFor(t, "interruption of the body", interrupted)
}

func TestClientRequestBodyFails(t *testing.T) {
	aborted := make(chan bool, 1)
	client := &Client{Network: "unix", Address: responder(t, func(conn net.Conn) {
		req, _ := readRequest(conn)
		aborted <- req.aborted
	})}
	_, err := client.Do(testContext(t), &Request{Body: strings.NewReader("short"), ContentLength: 10})
	if !errors.Is(err, ErrRequestBody) || !errors.Is(err, io.ErrUnexpectedEOF) || NothingSent(err) {
		t.Errorf("got %v", err)
	}
	if !<-aborted {
		t.Error("application was not told")
	}
}

func TestClientCloseEarly(t *testing.T) {
	closed := make(chan struct{})
	client := &Client{Network: "unix", Address: responder(t, func(conn net.Conn) {
		_, _ = conn.Write(stdout("A: b\r\n\r\nx"))
		silent(conn)
		close(closed)
	})}
	resp, err := client.Do(testContext(t), get())
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := resp.Body.Close(); err != nil {
			t.Error(err)
		}
	}
	waitFor(t, "end of the connection", closed)
	if _, err := resp.Body.Read(make([]byte, 1)); !errors.Is(err, http.ErrBodyReadAfterClose) {
		t.Errorf("got %v", err)
	}
}

// The responder of the standard library is an independent peer.
func TestClientWithStandardResponder(t *testing.T) {
	listener := listen(t, filepath.Join(tempDir(t), "s"))
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = stdfcgi.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Path", r.URL.Path)
			w.WriteHeader(http.StatusTeapot)
			_, _ = io.Copy(w, r.Body)
		}))
	}()
	defer func() {
		listener.Close()
		<-served
	}()
	body := strings.Repeat("0123456789", 50000)
	resp, got, err := fetch(testContext(t), &Client{Network: "unix", Address: listener.Addr().String()}, &Request{
		Params: Params{{"REQUEST_METHOD", "POST"}, {"REQUEST_URI", "/a?b"}, {"SERVER_PROTOCOL", "HTTP/1.1"}},
		Body:   strings.NewReader(body), ContentLength: int64(len(body)),
	})
	if err != nil || resp.Status != http.StatusTeapot || resp.Header.Get("X-Path") != "/a" || got != body {
		t.Errorf("got %+v, %d bytes, %v", resp, len(got), err)
	}
	values, err := Probe(testContext(t), "unix", listener.Addr().String())
	if err != nil || values[ValueMpxConns] != "1" {
		t.Errorf("got %v, %v", values, err)
	}
}

// pipeConn turns fuzzed bytes into a connection.
type pipeConn struct {
	net.Conn
	r io.Reader
}

func (p *pipeConn) Read(b []byte) (int, error)  { return p.r.Read(b) }
func (p *pipeConn) Write(b []byte) (int, error) { return len(b), nil }
func (p *pipeConn) Close() error                { return nil }
func (p *pipeConn) SetDeadline(time.Time) error { return nil }

func FuzzClientResponse(f *testing.F) {
	f.Add(whole("Status: 200 OK\r\nContent-Length: 3", "abc"), "GET")
	f.Add(whole("Transfer-Encoding: chunked", "3\r\nabc\r\n0\r\n\r\n"), "GET")
	f.Add(join(stderrRec("x"), stdout("A: b\n\n"), stdout("c"), endOK()), "HEAD")
	f.Add(AppendEndRequest(nil, 1, 0, StatusOverloaded), "GET")
	f.Fuzz(func(t *testing.T, input []byte, method string) {
		ctx, cancel := context.WithCancelCause(context.Background())
		client := &Client{Stderr: func(string) {}}
		x := &exchange{ctx: ctx, cancel: cancel, conn: &pipeConn{r: bytes.NewReader(input)},
			unwatch: func() bool { return true }, sent: make(chan struct{}), done: make(chan struct{}), over: make(chan struct{})}
		close(x.done)
		resp, err := client.receive(x, &Request{Params: Params{{"REQUEST_METHOD", method}}})
		if err != nil {
			return
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if resp.Status < 200 || resp.Status > 999 || len(body) > len(input) {
			t.Errorf("status %d, %d bytes", resp.Status, len(body))
		}
		length := resp.Header.Get("Content-Length")
		if n, convErr := strconv.Atoi(length); err == nil && length != "" && len(body) > 0 && (convErr != nil || n != len(body)) {
			t.Errorf("a whole body of %d bytes has Content-Length %q", len(body), length)
		}
		for name, values := range resp.Header {
			if !isToken(name) || strings.ContainsAny(strings.Join(values, ""), "\r\n\x00") {
				t.Errorf("header %q: %q", name, values)
			}
		}
	})
}

// readHeadRecords reads a request up to the end of its parameters.
func readHeadRecords(t *testing.T, conn net.Conn) {
	t.Helper()
	records := NewRecordReader(conn)
	for {
		record, err := records.Next()
		if err != nil {
			t.Errorf("read head: %v", err)
			return
		}
		if record.Type == TypeParams && len(record.Content) == 0 {
			return
		}
	}
}
