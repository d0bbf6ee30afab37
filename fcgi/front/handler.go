package front

import (
	"context"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// Config is what a Handler needs. Its zero values are defaults.
type Config struct {
	// Sockets are the addresses of the workers (fcgi.Network). Lower indexes are
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

// Handler is an HTTP handler in the place of a web server. It serves the files of
// a folder and hands every other request to an idle worker. A worker never has
// more than one request at a time; the others wait here, first come, first
// served.
//
// A request waits for its body before it gets a worker. Responses are passed on as they come, and kept
// nowhere: a client that reads slowly holds a worker once the socket buffers in between are full, until
// StallLimit ends it.
type Handler struct {
	config Config
	log    *slog.Logger
	pool   *pool
	spools *spools

	life context.Context // until Close
	end  context.CancelFunc

	mu     sync.Mutex
	closed bool           // no probe begins any more
	probes sync.WaitGroup // is added to under mu while not closed
}

// New returns a handler for the sockets.
func New(config Config) *Handler {
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
	h := &Handler{config: config, log: config.Log, pool: newPool(config.Sockets, config.SetAside),
		spools: &spools{dir: config.SpoolDir, each: config.MaxSpool, room: config.MaxSpools}}
	h.life, h.end = context.WithCancel(context.Background())
	return h
}

// Close says that no worker will come any more: requests that wait for one, and those that come, are
// answered 503. Requests that a worker has are finished.
func (h *Handler) Close() {
	h.mu.Lock()
	h.closed = true
	h.mu.Unlock()
	h.end()
	h.pool.close()
	h.probes.Wait()
}

// Load tells how many sockets have a request, and how many requests wait.
func (h *Handler) Load() (busy, waiting int) { return h.pool.load() }

// ServeHTTP answers one request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// A deadline of the request before on this connection may still be set.
	// Writers without deadlines are those of tests.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Time{})
	if len(r.TransferEncoding) > 0 || ambiguousLength(r.Context()) {
		// net/http has dropped a Content-Length beside it. Whoever stands in front may have seen another
		// end of this request, so the connection carries no other (RFC 9112, section 6.3).
		w.Header().Set("Connection", "close")
	}
	if r.Method == http.MethodConnect {
		h.refuse(w, r, http.StatusNotImplemented, "This is not a proxy.")
		return
	}
	if !strings.HasPrefix(r.URL.Path, "/") || strings.ContainsAny(r.URL.Path, "\x00\r\n") {
		h.refuse(w, r, http.StatusBadRequest, "This address is malformed.")
		return
	}
	path, ok := h.below(r.URL.Path)
	if !ok {
		h.refuse(w, r, http.StatusNotFound, "There is nothing at this address.")
		return
	}
	if h.serveStatic(w, r, path) {
		return
	}
	if strings.EqualFold(r.Header.Get("Upgrade"), "websocket") {
		// FastCGI carries one request and one response, never an upgraded
		// connection. Passing the request on without its Upgrade would be
		// allowed, but such clients come back in a loop, and each time a worker
		// would be busy with saying no.
		h.refuse(w, r, http.StatusNotImplemented, "WebSockets are not available here.")
		return
	}
	h.relay(w, r, path)
}

// below takes the prefix off a path.
func (h *Handler) below(path string) (rest string, ok bool) {
	rest, ok = strings.CutPrefix(path, h.config.Prefix)
	if !ok || h.config.Prefix != "" && rest != "" && rest[0] != '/' {
		return "", false
	}
	return rest, true
}

func durationOr(d, fallback time.Duration) time.Duration {
	if d > 0 {
		return d
	}
	return fallback
}
