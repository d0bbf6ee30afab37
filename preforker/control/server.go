package control

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"path/filepath"
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
	// lastAnswers is how long clients may take to read how something ends when the launcher does.
	lastAnswers = 500 * time.Millisecond
	// acceptPause is the wait after an accept that failed, for want of descriptors most likely.
	acceptPause = 100 * time.Millisecond
)

// Server is the socket that other processes of the same user ask the launcher at: a request in, one
// JSON object or lines of them out, and the end.
type Server struct {
	path     string
	file     sockets.NamedFile
	listener net.Listener
	ctx      context.Context // ends with Close
	end      context.CancelCauseFunc
	timeout  time.Duration // of each client
}

// Listen binds the control socket of a socket folder. It comes after the lock on the pid file: a
// socket that is there is another program's, or stale.
func Listen(dir string, stale sockets.Staleness) (*Server, error) {
	path := filepath.Join(dir, SocketName)
	bound, err := sockets.Bind(path, linux.SocketOptions{Mode: 0o600, Uid: -1, Gid: -1}, stale)
	if err != nil {
		return nil, err
	}
	listener, err := net.FileListener(bound.Listener)
	if err != nil {
		bound.Close()
		return nil, fmt.Errorf("listen at %s: %w", path, err)
	}
	_ = bound.Listener.Close() // FileListener has made its own
	ctx, end := context.WithCancelCause(context.Background())
	return &Server{path: path, file: bound.File, listener: listener, ctx: ctx, end: end, timeout: clientTimeout}, nil
}

// Path is where the socket is.
func (s *Server) Path() string { return s.path }

// Lost says whether the socket's file is gone, or another one.
func (s *Server) Lost() bool { return s.file.Lost(s.path) }

// Close removes the socket's file and ends Serve. It does not wait for that.
func (s *Server) Close() {
	s.end(errReplaced)
	s.file.Remove()
	_ = s.listener.Close() // Serve may have done so
}

// Serve answers until done is closed or Close is called, and returns when the last conversation has
// ended. The verbs are called by many goroutines at once; the context of a short answer ends with
// the client's time.
func (s *Server) Serve(done <-chan struct{}, verbs ...Verb) {
	ctx, end := context.WithCancelCause(s.ctx)
	var watching sync.WaitGroup
	defer watching.Wait()
	defer end(nil)
	watching.Go(func() {
		select {
		case <-done:
			end(ErrEnding)
		case <-ctx.Done():
		}
	})
	serve(ctx, newClients(ctx, s.listener), newHandler(verbs, s.timeout))
}

// ServeAt serves pages at another listener than a control socket, within the same bounds, until the context ends. It closes the
// listener, and returns when the last conversation has ended.
func ServeAt(ctx context.Context, listener net.Listener, pages ...Verb) {
	clients := newClients(ctx, listener)
	clients.http = true
	serve(ctx, clients, newHandler(pages, clientTimeout))
}

func serve(ctx context.Context, clients *clients, handler *handler) {
	var open gate
	head := maxHeader
	if clients.http {
		head = maxPublicHeader
	}
	server := &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if open.enter() {
				defer open.leave()
				handler.ServeHTTP(w, r)
			}
		}),
		ReadTimeout: handler.timeout, WriteTimeout: handler.timeout + handler.last, MaxHeaderBytes: head, // who waits in vain is told so
		BaseContext: func(net.Listener) context.Context { return ctx },
		ConnContext: func(ctx context.Context, conn net.Conn) context.Context {
			return context.WithValue(ctx, clientKey{}, conn)
		},
		ErrorLog: log.New(io.Discard, "", 0), // of what clients do
	}
	server.SetKeepAlivesEnabled(false)
	stop := context.AfterFunc(ctx, func() { _ = clients.Listener.Close() })
	defer stop()
	_ = server.Serve(clients) // until the context ends
	// Those who follow something are told how it ends, those who said nothing are told nothing.
	last, cancel := context.WithTimeout(context.Background(), handler.last)
	defer cancel()
	if clients.http {
		// What has come to a known listener is a question, of which nothing may have been read yet. A server that shuts down reads none.
		clients.await(last)
	} else {
		clients.closeUnasked()
	}
	_ = server.Shutdown(last)
	_ = server.Close()
	open.close()
}

// gate counts the conversations, and waits for their ends.
type gate struct {
	mu      sync.Mutex
	closed  bool
	present sync.WaitGroup
}

func (g *gate) enter() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.closed {
		g.present.Add(1)
	}
	return !g.closed
}

func (g *gate) leave() { g.present.Done() }

// close lets nobody in any more, and waits for those who are there.
func (g *gate) close() {
	g.mu.Lock()
	g.closed = true
	g.mu.Unlock()
	g.present.Wait()
}
