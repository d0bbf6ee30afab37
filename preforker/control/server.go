package control

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"launcher/preforker/linux"
	"launcher/preforker/sockets"
)

// SocketName is the file name of the socket at which a running launcher answers. It is shorter than
// the name of any slot's socket, so its path is never too long where theirs are not.
const SocketName = "launcher.sock"

const (
	// maxClients are talked to at once. More of them wait, and none takes longer than
	// clientTimeout, whatever it does.
	maxClients    = 16
	clientTimeout = 2 * time.Second
	// silence is how long a client may say nothing while others wait.
	silence = 20 * time.Millisecond
	// maxRequest is how long a request can be, in bytes.
	maxRequest = 64
	// acceptPause is the wait after an accept that failed, for want of descriptors most likely.
	acceptPause = 100 * time.Millisecond
)

// Server is the socket that other processes of the same user ask the launcher at: a line in, one
// JSON object out, and the end.
type Server struct {
	path     string
	file     sockets.NamedFile
	listener net.Listener
	ctx      context.Context // ends with Close
	end      context.CancelFunc
	timeout  time.Duration // of each client
}

// Listen binds the control socket of a socket folder. It comes after the lock on the pid file: a
// socket that is there is another program's, or stale.
func Listen(dir string, stale sockets.Staleness) (*Server, error) {
	path := filepath.Join(dir, SocketName)
	bound, err := sockets.Bind(path, linux.SocketOptions{Mode: 0o600, Gid: -1}, stale)
	if err != nil {
		return nil, err
	}
	listener, err := net.FileListener(bound.Listener)
	if err != nil {
		bound.Close()
		return nil, fmt.Errorf("listen at %s: %w", path, err)
	}
	_ = bound.Listener.Close() // FileListener has made its own
	ctx, end := context.WithCancel(context.Background())
	return &Server{path: path, file: bound.File, listener: listener, ctx: ctx, end: end, timeout: clientTimeout}, nil
}

// Path is where the socket is.
func (s *Server) Path() string { return s.path }

// Lost says whether the socket's file is gone, or another one.
func (s *Server) Lost() bool { return s.file.Lost(s.path) }

// Close removes the socket's file and ends Serve. It does not wait for that.
func (s *Server) Close() {
	s.end()
	s.file.Remove()
	_ = s.listener.Close() // Serve may have done so
}

// Serve answers until done is closed or Close is called, and returns when the last conversation has
// ended. Status is called by many goroutines at once; its context ends with the client's time.
func (s *Server) Serve(done <-chan struct{}, status func(context.Context) (Status, error)) {
	ctx, end := context.WithCancel(s.ctx)
	var watching sync.WaitGroup
	defer watching.Wait()
	defer end()
	watching.Go(func() {
		select {
		case <-done:
			end()
		case <-ctx.Done():
		}
	})
	s.serve(ctx, func(ctx context.Context, request string) any {
		if request != requestStatus {
			return refusal{fmt.Sprintf("unknown request %q", request)}
		}
		found, err := status(ctx)
		if err != nil {
			return refusal{err.Error()}
		}
		return found
	})
}

func (s *Server) serve(ctx context.Context, answer func(ctx context.Context, request string) any) {
	defer context.AfterFunc(ctx, func() { _ = s.listener.Close() })()
	var conversations sync.WaitGroup
	defer conversations.Wait()
	clients := newClients()
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			select {
			case <-ctx.Done():
				return
			case <-time.After(acceptPause):
				continue
			}
		}
		talking, ok := clients.admit(ctx, conn)
		if !ok {
			_ = conn.Close() // nothing was said
			return
		}
		conversations.Go(func() {
			defer clients.remove(talking)
			s.converse(ctx, talking, answer)
		})
	}
}

// converse reads a line and writes an answer. A client that is slow, or gone, gets none.
func (s *Server) converse(ctx context.Context, from *client, answer func(ctx context.Context, request string) any) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	conn := from.conn
	defer conn.Close()
	// The context's end, its deadline or that of the launcher, ends a reading and a writing.
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	line, err := bufio.NewReaderSize(io.LimitReader(conn, maxRequest), maxRequest).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return
	}
	from.asked.Store(true)
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(answer(ctx, strings.TrimSpace(line))); err != nil {
		text.Reset()
		_ = encoder.Encode(refusal{err.Error()})
	}
	_, _ = conn.Write(text.Bytes())
}

// refusal is the answer to a request that cannot be carried out.
type refusal struct {
	Error string `json:"error"`
}

// The requests.
const requestStatus = "status"
