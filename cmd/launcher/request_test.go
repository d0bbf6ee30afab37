//go:build linux

package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/textproto"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"launcher/fcgi"
)

// answer is what came back for a request: a whole response, or an error that says how it
// broke off.
type answer struct {
	status int
	body   string
	err    error
}

// String is short enough for a failure's message.
func (a answer) String() string {
	if a.err != nil {
		return "error: " + a.err.Error()
	}
	return fmt.Sprintf("%d %.200q", a.status, a.body)
}

// is says whether the answer is a success with this body.
func (a answer) is(body string) bool { return a.err == nil && a.status == 200 && a.body == body }

// pid is the first line of an answer to /pid.
func (a answer) pid() int {
	line, _, _ := strings.Cut(a.body, "\n")
	pid, _ := strconv.Atoi(line)
	return pid
}

// queued is a request that was sent and whose connection may still wait in the queue of a
// socket: connect(2) has succeeded, whether or not anybody accepts.
type queued struct{ conn net.Conn }

// queue sends a request to a slot's socket and does not wait for its answer.
func queue(t testing.TB, socket, target string) *queued {
	t.Helper()
	q, err := enqueue(socket, target)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = q.conn.Close() })
	return q
}

func enqueue(socket, target string) (*queued, error) {
	conn, err := net.Dial(fcgi.Network(socket), socket)
	if err != nil {
		return nil, err
	}
	return enqueueOver(conn, target)
}

// sendOver sends a request over a connection.
func sendOver(t testing.TB, conn net.Conn, target string) *queued {
	t.Helper()
	q, err := enqueueOver(conn, target)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = q.conn.Close() })
	return q
}

func enqueueOver(conn net.Conn, target string) (*queued, error) {
	path, query, _ := strings.Cut(target, "?")
	params, err := fcgi.Params{{Name: "REQUEST_METHOD", Value: "GET"}, {Name: "SCRIPT_NAME", Value: ""},
		{Name: "PATH_INFO", Value: path}, {Name: "QUERY_STRING", Value: query}, {Name: "REQUEST_URI", Value: target},
		{Name: "SERVER_NAME", Value: "localhost"}, {Name: "SERVER_PORT", Value: "80"},
		{Name: "SERVER_PROTOCOL", Value: "HTTP/1.1"}, {Name: "HTTP_HOST", Value: "localhost"}}.Append(nil)
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	request := fcgi.AppendBeginRequest(nil, 1, fcgi.RoleResponder)
	request = fcgi.AppendRecord(request, fcgi.TypeParams, 1, params)
	request = fcgi.AppendRecord(request, fcgi.TypeParams, 1, nil)
	request = fcgi.AppendRecord(request, fcgi.TypeStdin, 1, nil)
	if _, err := conn.Write(request); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return &queued{conn}, nil
}

// answer waits for the whole response: anything before END_REQUEST is an error.
func (q *queued) answer() answer {
	defer q.conn.Close()
	_ = q.conn.SetDeadline(time.Now().Add(patience))
	records := fcgi.NewRecordReader(q.conn)
	var out strings.Builder
	for {
		record, err := records.Next()
		switch {
		case err != nil:
			return answer{err: err}
		case record.Type == fcgi.TypeStdout:
			out.Write(record.Content)
		case record.Type == fcgi.TypeEndRequest:
			return parseAnswer(out.String())
		}
	}
}

func parseAnswer(text string) answer {
	reader := bufio.NewReader(strings.NewReader(text))
	head, err := textproto.NewReader(reader).ReadMIMEHeader()
	if err != nil {
		return answer{err: fmt.Errorf("read head of %.200q: %w", text, err)}
	}
	status := 200
	if code, _, _ := strings.Cut(head.Get("Status"), " "); code != "" {
		if status, err = strconv.Atoi(code); err != nil {
			return answer{err: err}
		}
	}
	body, err := io.ReadAll(reader)
	return answer{status, string(body), err}
}

// ask sends a request and waits for its answer.
func ask(t testing.TB, socket, target string) answer {
	t.Helper()
	return queue(t, socket, target).answer()
}

// visitors ask the sockets in turn until they are told to end, one request each at a time.
type visitors struct {
	quit chan struct{}
	wait sync.WaitGroup

	mu       sync.Mutex
	answers  map[string]int
	failures []string
}

func visit(count int, target string, sockets ...string) *visitors {
	v := &visitors{quit: make(chan struct{}), answers: map[string]int{}}
	for n := range count {
		v.wait.Go(func() {
			for i := n; ; i++ {
				select {
				case <-v.quit:
					return
				case <-time.After(time.Millisecond): // a pace that leaves the machine to others
					v.visit(sockets[i%len(sockets)], target)
				}
			}
		})
	}
	return v
}

func (v *visitors) visit(socket, target string) {
	var a answer
	if q, err := enqueue(socket, target); err != nil {
		a.err = err
	} else {
		a = q.answer()
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if a.err != nil || a.status != 200 {
		v.failures = append(v.failures, filepath.Base(socket)+": "+a.String())
		return
	}
	v.answers[a.body]++
}

// seen says whether somebody got this body.
func (v *visitors) seen(body string) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.answers[body] > 0
}

// end stops the visitors, fails the test if they got no answer more often than workers
// were killed, each with one request in hand, and returns the different bodies.
func (v *visitors) end(t testing.TB, kills int) []string {
	t.Helper()
	close(v.quit)
	v.wait.Wait()
	if len(v.failures) > kills {
		t.Errorf("%d of the visitors' requests failed, with %d workers killed, first %s", len(v.failures), kills, v.failures[0])
	}
	return slices.Sorted(maps.Keys(v.answers))
}

// writeApp makes an application of the files given, by their paths below its root.
func writeApp(t testing.TB, files map[string]string) string {
	t.Helper()
	root := copyApp(t, "broken_no_app")
	for name, text := range files {
		write(t, filepath.Join(root, name), text)
	}
	return root
}

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	withoutForks(func() {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	})
}

// withoutForks writes a file that may be a program: a process that another test forks meanwhile has it open until it calls
// exec, and nobody can execute what is open for writing (ETXTBSY).
func withoutForks(write func()) {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	write()
}

// remove takes a file away on which an application waits.
func remove(t testing.TB, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

// gates is a folder of gates for hello, with the variable that names it.
func gates(t testing.TB) (dir, variable string) {
	t.Helper()
	dir = t.TempDir()
	return dir, "HELLO_GATES=" + dir
}

func openGate(t testing.TB, dir, name string) {
	t.Helper()
	write(t, filepath.Join(dir, name), "")
}

// doing waits until a slot's worker of the first generation does what its title says: "idle",
// or the request in hand.
func (in *instance) doing(slot int, what string) {
	in.t.Helper()
	title := fmt.Sprintf("launcher worker slot=%d gen=1 %s", slot, what)
	in.waitFor(title, func() bool { return len(in.titled(title)) > 0 })
}

// sockets are the paths of the first slots' sockets.
func (in *instance) sockets(count int) []string {
	var paths []string
	for slot := range count {
		paths = append(paths, in.socket(slot))
	}
	return paths
}

// listens says whether a socket takes connections, which it does a moment after its file is there.
func listens(socket string) bool {
	connection, err := net.Dial(fcgi.Network(socket), socket)
	if err == nil {
		_ = connection.Close()
	}
	return err == nil
}

// exists says whether there is anything at a path.
func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}
