package load

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	stdfcgi "net/http/fcgi"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"launcher/fcgi"
)

// patience bounds everything that a test waits for. It is generous: it passes
// only where something is broken.
const patience = 20 * time.Second

// tempDir is short, because a socket's path has at most 107 bytes.
func tempDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "load")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func listen(t testing.TB, network string) net.Listener {
	t.Helper()
	address := "127.0.0.1:0"
	if network == "unix" {
		address = filepath.Join(tempDir(t), "s")
	}
	listener, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	return listener
}

// serveHTTP answers HTTP until the test ends, which waits until each connection has ended:
// one that the generator has forgotten fails it.
func serveHTTP(t testing.TB, network string, handler http.Handler) (Target, *http.Server) {
	t.Helper()
	listener := listen(t, network)
	var open sync.WaitGroup
	server := &http.Server{Handler: handler, ConnState: func(_ net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			open.Add(1)
		case http.StateClosed, http.StateHijacked:
			open.Done()
		}
	}}
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(listener) })
	t.Cleanup(func() {
		_ = listener.Close()
		serving.Wait()
		ended := make(chan struct{})
		go func() {
			open.Wait()
			close(ended)
		}()
		select {
		case <-ended:
		case <-time.After(patience):
			t.Error("a connection was left open")
		}
		_ = server.Close()
	})
	return HTTP(network, listener.Addr().String()), server
}

// serveFastCGI plays a worker with the standard library's responder.
func serveFastCGI(t testing.TB, handler http.Handler) (socket string) {
	t.Helper()
	listener := listen(t, "unix")
	var serving sync.WaitGroup
	serving.Go(func() { _ = stdfcgi.Serve(listener, handler) })
	t.Cleanup(func() {
		_ = listener.Close()
		serving.Wait()
	})
	return listener.Addr().String()
}

// serveRaw lets answer play the server on each connection, which it numbers from 0.
func serveRaw(t testing.TB, network string, answer func(conn net.Conn, number int)) (address string) {
	t.Helper()
	listener := listen(t, network)
	var serving sync.WaitGroup
	serving.Go(func() {
		for number := 0; ; number++ {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			serving.Go(func() {
				defer conn.Close()
				_ = conn.SetDeadline(time.Now().Add(patience))
				answer(conn, number)
			})
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		serving.Wait()
	})
	return listener.Addr().String()
}

// eachTarget runs a test with every kind of target in front of one handler.
func eachTarget(t *testing.T, handler func() http.Handler, test func(t *testing.T, target Target)) {
	for _, network := range []string{"tcp", "unix"} {
		t.Run("http over "+network, func(t *testing.T) {
			target, _ := serveHTTP(t, network, handler())
			test(t, target)
		})
	}
	t.Run("fastcgi", func(t *testing.T) {
		test(t, FastCGI([]string{serveFastCGI(t, handler())}, "/srv/public"))
	})
}

// readHTTP reads one request's head; false is the end of the connection.
func readHTTP(conn net.Conn) bool {
	var head []byte
	for buf := make([]byte, 1); !bytes.HasSuffix(head, []byte("\r\n\r\n")); {
		if _, err := conn.Read(buf); err != nil {
			return false
		}
		head = append(head, buf...)
	}
	return true
}

// readFastCGI reads one request of the FastCGI protocol to its end.
func readFastCGI(conn io.Reader) (fcgi.Params, error) {
	records := fcgi.NewRecordReader(conn)
	decoder := fcgi.NewParamsDecoder(1 << 16)
	for {
		record, err := records.Next()
		if err != nil {
			return nil, err
		}
		switch {
		case record.Type == fcgi.TypeParams:
			if _, err := decoder.Write(record.Content); err != nil {
				return nil, err
			}
		case record.Type == fcgi.TypeStdin && len(record.Content) == 0:
			return decoder.Params()
		}
	}
}

// load runs a plan within the test's patience, and checks what always holds.
func load(t *testing.T, target Target, plan Plan) Result {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	result := Run(ctx, target, plan, nil)
	if ctx.Err() != nil {
		t.Fatal("load was cut by the patience of the test")
	}
	check(t, result)
	if result.OK+result.Errors != plan.Requests {
		t.Errorf("%d right and %d wrong answers for %d requests", result.OK, result.Errors, plan.Requests)
	}
	return result
}

// check compares the parts of a result with each other, and looks for goroutines.
func check(t *testing.T, result Result) {
	t.Helper()
	failed := 0
	for _, failure := range result.Failures {
		failed += failure.Count
	}
	if failed != result.Errors {
		t.Errorf("%d errors, %d of them explained: %v", result.Errors, failed, result.Failures)
	}
	if len(result.Latencies) != result.OK {
		t.Errorf("%d latencies for %d right answers", len(result.Latencies), result.OK)
	}
	noGoroutines(t)
}

// noGoroutines waits until those that have ended are gone: Run has waited for what they
// do, the scheduler takes another moment to forget them.
func noGoroutines(t *testing.T) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; runtime.Gosched() {
		stacks := make([]byte, 1<<20)
		left := ""
		for i, stack := range strings.Split(string(stacks[:runtime.Stack(stacks, true)]), "\n\n") {
			ours := strings.Contains(stack, "experiment/load.(*") || strings.Contains(stack, "experiment/load.Run") ||
				strings.Contains(stack, "launcher/fcgi.(*exchange)")
			if i > 0 && ours { // the first is this one
				left = stack
			}
		}
		if left == "" {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("a goroutine is left:\n%s", left)
		}
	}
}
