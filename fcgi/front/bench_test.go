package front

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"testing"

	"launcher/fcgi"
	"launcher/fcgi/fcgitest"
)

// BenchmarkRelay is a short response of a worker on a kept connection, with all that is on the way: net/http, the
// bound of connections, the protocol to the worker. Worker and client are in this process, and allocate nothing.
func BenchmarkRelay(b *testing.B) {
	b.ReportAllocs()
	listener := benchmarkFront(b, Config{Sockets: []string{benchmarkWorker(b), benchmarkWorker(b)}})
	b.RunParallel(func(pb *testing.PB) {
		conn, err := net.Dial("tcp", listener.Addr().String())
		if err != nil {
			b.Error(err)
			return
		}
		defer conn.Close()
		request, input := []byte("GET /hello HTTP/1.1\r\nHost: 127.0.0.1:3000\r\n\r\n"), bufio.NewReader(conn)
		var size int // of a response
		for pb.Next() {
			if _, err := conn.Write(request); err != nil {
				b.Error(err)
				return
			}
			if size == 0 {
				resp, err := http.ReadResponse(input, nil)
				if err != nil {
					b.Error(err)
					return
				}
				_, _ = io.Copy(io.Discard, resp.Body)
				size = -1
				continue
			}
			if size < 0 {
				_, _ = input.Peek(1)
				size = input.Buffered()
			}
			if _, err := input.Discard(size); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

// benchmarkFront serves a front on a free port.
func benchmarkFront(b *testing.B, config Config) net.Listener {
	b.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	handler := New(config)
	bounded := NewListener(listener, 100, log)
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- Serve(ctx, context.Background(), bounded, handler, log) }()
	b.Cleanup(func() {
		cancel()
		handler.Close()
		if err := <-served; err != nil {
			b.Error(err)
		}
	})
	return listener
}

// benchmarkWorker plays a worker that reads a request at once and responds at once, as a real one does.
func benchmarkWorker(b *testing.B) string {
	b.Helper()
	listener := fcgitest.Listen(b, filepath.Join(fcgitest.TempDir(b), "s"))
	response := fcgitest.Whole("Content-Type: text/plain\r\nContent-Length: 5", "hello")
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for request := make([]byte, 64<<10); ; {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			for keep := true; keep; {
				if _, err := conn.Read(request); err != nil {
					break
				}
				keep = request[fcgi.HeaderLen+2]&1 != 0
				_, _ = conn.Write(response)
			}
			_ = conn.Close()
		}
	}()
	b.Cleanup(func() {
		_ = listener.Close()
		<-ended
	})
	return listener.Addr().String()
}
