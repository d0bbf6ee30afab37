package fcgi

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// FrontConfig is what a Front needs. Its zero values are defaults.
type FrontConfig struct {
	// Sockets are the paths of the workers' unix sockets. Lower indexes are
	// preferred, so that in quiet times the memory of the other workers stays
	// shared.
	Sockets []string
	// Public is the folder of static files, "" for none. It is resolved anew
	// for each request, since deploy tools move the links above it.
	Public string
	// Prefix is the path that the application is mounted under, such as
	// "/shop", or "".
	Prefix string
	// SendfileDirs are the folders below which the application may have files sent in
	// the place of its body, by X-Sendfile. Absolute; links in and to them are followed anew for
	// each request.
	SendfileDirs []string
	Log          *slog.Logger // discards by default

	// WaitLimit bounds how long a request waits for an idle worker, 60 s by
	// default. Then it is answered 503.
	WaitLimit time.Duration
	// SetAside is how long a socket that refused is not asked again, 200 ms by
	// default.
	SetAside time.Duration
	// AbortAfter is how long after the end of what a client sends, and the last thing written to it, its worker
	// is told that nobody waits any more, 5 s by default.
	AbortAfter time.Duration
	// AbandonLimit bounds how long a worker that was told may go on before the connection to it is
	// closed, 60 s by default.
	AbandonLimit time.Duration
	// StallLimit bounds how long a client may neither send nor take a byte
	// while it holds a worker, 60 s by default.
	StallLimit time.Duration
	// HeadTimeout bounds the wait for a response head, after which the client
	// gets 504. 0 is no bound: time limits on requests are the business of
	// whoever can end the worker.
	HeadTimeout time.Duration
	// MaxSpool bounds a request body that is spooled to a file in SpoolDir, 256 MiB by default, and MaxSpools
	// all of them together, 1 GiB by default. More of a body of unknown length is answered 413 and 503, one with a
	// length is passed on as it comes.
	MaxSpool  int64
	MaxSpools int64
	SpoolDir  string // the system's folder for temporary files by default
	// MaxParams bounds the encoded environment, 65535 bytes by default. More is
	// answered 431.
	MaxParams int
	// Software is SERVER_SOFTWARE, "launcher" by default.
	Software string
}

// Front is an HTTP handler in the place of a web server. It serves the files of
// a folder and hands every other request to an idle worker. A worker never has
// more than one request at a time; the others wait here, first come, first
// served.
//
// A request waits for its body before it gets a worker. Responses are passed on as they come, and kept
// nowhere: a client that reads slowly holds a worker once the socket buffers in between are full, until
// StallLimit ends it.
type Front struct {
	config FrontConfig
	log    *slog.Logger
	pool   *pool
	spools *spools

	life context.Context // until Close
	end  context.CancelFunc

	mu     sync.Mutex
	closed bool           // no probe begins any more
	probes sync.WaitGroup // is added to under mu while not closed
}

// NewFront returns a front for the sockets.
func NewFront(config FrontConfig) *Front {
	config.WaitLimit = durationOr(config.WaitLimit, time.Minute)
	config.SetAside = durationOr(config.SetAside, 200*time.Millisecond)
	config.AbandonLimit = durationOr(config.AbandonLimit, time.Minute)
	config.StallLimit = durationOr(config.StallLimit, time.Minute)
	config.AbortAfter = durationOr(config.AbortAfter, 5*time.Second)
	if config.MaxSpool <= 0 {
		config.MaxSpool = 256 << 20
	}
	if config.MaxSpools <= 0 {
		config.MaxSpools = 1 << 30
	}
	if config.Software == "" {
		config.Software = "launcher"
	}
	if config.Log == nil {
		config.Log = slog.New(slog.DiscardHandler)
	}
	if config.Public != "" {
		// DOCUMENT_ROOT is absolute. Abs fails where the working directory is
		// gone, and then the path as given is the best there is.
		if abs, err := filepath.Abs(config.Public); err == nil {
			config.Public = abs
		}
	}
	if config.Prefix = strings.Trim(config.Prefix, "/"); config.Prefix != "" {
		config.Prefix = "/" + config.Prefix
	}
	f := &Front{config: config, log: config.Log, pool: newPool(config.Sockets, config.SetAside),
		spools: &spools{dir: config.SpoolDir, each: config.MaxSpool, room: config.MaxSpools}}
	f.life, f.end = context.WithCancel(context.Background())
	return f
}

// SetSockets replaces the workers' sockets. Requests on a socket that is no
// longer named are finished.
func (f *Front) SetSockets(paths []string) { f.pool.set(paths) }

// Close says that no worker will come any more: requests that wait for one, and those that come, are
// answered 503. Requests that a worker has are finished.
func (f *Front) Close() {
	f.mu.Lock()
	f.closed = true
	f.mu.Unlock()
	f.end()
	f.pool.close()
	f.probes.Wait()
}

// Load tells how many sockets have a request, and how many requests wait.
func (f *Front) Load() (busy, waiting int) { return f.pool.load() }

// ServeHTTP answers one request.
func (f *Front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// A deadline of the request before on this connection may still be set.
	// Writers without deadlines are those of tests.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Time{})
	if len(r.TransferEncoding) > 0 || doubtful(r.Context()) {
		// net/http has dropped a Content-Length beside it. Whoever stands in front may have seen another
		// end of this request, so the connection carries no other (RFC 9112, section 6.3).
		w.Header().Set("Connection", "close")
	}
	if r.Method == http.MethodConnect {
		f.refuse(w, r, http.StatusNotImplemented, "This is not a proxy.")
		return
	}
	if !strings.HasPrefix(r.URL.Path, "/") || hasControl(r.URL.Path) {
		f.refuse(w, r, http.StatusBadRequest, "This address is malformed.")
		return
	}
	path, ok := f.below(r.URL.Path)
	if !ok {
		f.refuse(w, r, http.StatusNotFound, "There is nothing at this address.")
		return
	}
	if f.serveStatic(w, r, path) {
		return
	}
	if strings.EqualFold(r.Header.Get("Upgrade"), "websocket") {
		// FastCGI carries one request and one response, never an upgraded
		// connection. Passing the request on without its Upgrade would be
		// allowed, but such clients come back in a loop, and each time a worker
		// would be busy with saying no.
		f.refuse(w, r, http.StatusNotImplemented, "WebSockets are not available here.")
		return
	}
	f.relay(w, r, path)
}

// below takes the prefix off a path.
func (f *Front) below(path string) (rest string, ok bool) {
	rest, ok = strings.CutPrefix(path, f.config.Prefix)
	if !ok || f.config.Prefix != "" && rest != "" && rest[0] != '/' {
		return "", false
	}
	return rest, true
}

// refuse answers in the place of the application.
func (f *Front) refuse(w http.ResponseWriter, r *http.Request, status int, text string) {
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	if status == http.StatusServiceUnavailable {
		h.Set("Retry-After", retrySeconds(retryAfter))
	}
	leaveBody(w, r)
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write([]byte(text + "\n")) // a client that is gone needs no answer
	}
}

// leaveBody has a request answered without its body. net/http would wait for that before the response and after it.
func leaveBody(w http.ResponseWriter, r *http.Request) {
	if r.ContentLength != 0 {
		// What is left of the body must not be taken for the next request, and
		// a client that sends on shall not hold the connection.
		w.Header().Set("Connection", "close")
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(lingerTime))
	}
}

// Keys of the log.
const (
	keySocket = "socket"
	keyMethod = "method"
	keyPath   = "path"
	keyStatus = "status"
	keyError  = "error"
	keyLine   = "line"
	keyFile   = "file"
	keyLimit  = "limit"
)

// maxLogged is how many bytes of a text that a client chose reach the log.
const maxLogged = 200

// about names a request in the log.
func about(r *http.Request) []any {
	return []any{keyMethod, cut(r.Method), keyPath, cut(r.URL.Path)}
}

// cut shortens a text and says by how much.
func cut(s string) string {
	if len(s) <= maxLogged {
		return s
	}
	return strings.ToValidUTF8(s[:maxLogged], "") + fmt.Sprintf("… (%d bytes)", len(s))
}

const (
	// retryAfter is what a client is told when no worker is free.
	retryAfter = 5 * time.Second
	// lingerTime is how long the rest of a body that nobody wants is read, so that the
	// client sees the answer before the connection is reset.
	lingerTime = 2 * time.Second
)

func durationOr(d, fallback time.Duration) time.Duration {
	if d > 0 {
		return d
	}
	return fallback
}
