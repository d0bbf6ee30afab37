package load

import (
	"bytes"
	"context"
	"net"
	"net/http"
	stdfcgi "net/http/fcgi"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"launcher/fcgi/fcgitest"
)

func listen(t testing.TB, network string) net.Listener {
	t.Helper()
	address := "127.0.0.1:0"
	if network == "unix" {
		address = filepath.Join(fcgitest.TempDir(t), "s")
	}
	listener, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	return listener
}

// serveHTTP serves HTTP until the test ends, which waits until each connection has ended:
// one that the load has left open fails it.
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
		case <-time.After(fcgitest.Patience):
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

// serveRaw lets respond play the server on each connection.
func serveRaw(t testing.TB, network string, respond func(conn net.Conn)) (address string) {
	t.Helper()
	listener := listen(t, network)
	fcgitest.RespondOn(t, listener, respond)
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

// load runs a plan within fcgitest.Patience, and checks what always holds.
func load(t *testing.T, target Target, plan Plan) Result {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), fcgitest.Patience)
	defer cancel()
	result := Run(ctx, target, plan, nil)
	if ctx.Err() != nil {
		t.Fatal("the load did not end in time")
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
	for deadline := time.Now().Add(fcgitest.Patience); ; runtime.Gosched() {
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
