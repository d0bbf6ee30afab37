package front

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Handler is an HTTP handler in the place of a web server. It serves the files of
// a folder and hands every other request to an idle worker. A worker never has
// more than one request at a time; the others wait here, first come, first
// served.
//
// A request waits for its body before it gets a worker. Responses are passed on as they come; what a client does
// not take at once is buffered, and its worker is free.
type Handler struct {
	config     Config
	log        *slog.Logger
	pool       *pool
	spools     *spools // of requests
	buffers    *buffers
	compressor *compressor
	active     atomic.Int64 // requests
	unsent     atomic.Int64 // of them, those that are on their way to a worker
	warnedOf   sync.Once    // headers of a proxy that is not trusted

	life context.Context // until Close
	end  context.CancelFunc

	mu     sync.Mutex
	closed bool           // no probe begins any more
	probes sync.WaitGroup // is added to under mu while not closed
}

// New returns a handler for the sockets.
func New(config Config) *Handler {
	config = config.withDefaults()
	room := func() *spools { return &spools{dir: config.SpoolDir, each: config.MaxBody, room: config.MaxSpools} }
	h := &Handler{config: config, log: config.Log, pool: newPool(config.Sockets, config.SetAside), spools: room(),
		buffers: &buffers{files: room()}, compressor: newCompressor()}
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

// SetSockets has requests given to other workers from now on. Those that a worker has are finished.
func (h *Handler) SetSockets(addresses []string) { h.pool.setSockets(addresses) }

// Park says whether there is no worker at a socket, by its place among all, until somebody connects to it: it gets a request when all
// others have one.
func (h *Handler) Park(place int, parked bool) { h.pool.park(place, parked) }

// Renew says that another worker than before serves at a socket, by its place among all: it gets requests while the one before
// finishes its last one.
func (h *Handler) Renew(place int) { h.pool.renew(place, time.Now()) }

// Load tells how many sockets have a request, and how many requests wait.
func (h *Handler) Load() (busy, waiting int) { return h.pool.load() }

// NeedsWorkers tells whether a worker has a request, or is to get one that has come.
func (h *Handler) NeedsWorkers() bool {
	if h.unsent.Load() > 0 { // is counted until the other one counts it
		return true
	}
	busy, waiting := h.pool.load()
	return busy+waiting > 0
}

// ServeHTTP answers one request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// A deadline of the request before on this connection may still be set.
	// Writers without deadlines are those of tests.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Time{})
	trusted := h.trusts(r)
	if h.config.AccessLog != nil {
		logged := &loggedWriter{ResponseWriter: w, start: time.Now(), slot: noSlot}
		client := h.clientOf(r, trusted) // of headers that are not passed on, perhaps
		defer func() { h.config.AccessLog.note(logged, r, client) }()
		w = logged
	}
	defer h.active.Add(-1)
	if active := h.active.Add(1); h.config.MaxRequests > 0 && active > int64(h.config.MaxRequests) {
		h.refuse(w, r, refusedBusy, busyText)
		return
	}
	h.judgeClaims(r, trusted)
	h.serve(w, r)
}

// serve answers a request whose headers tell the truth.
func (h *Handler) serve(w http.ResponseWriter, r *http.Request) {
	if len(r.TransferEncoding) > 0 || ambiguousLength(r) {
		// net/http has dropped a Content-Length beside it. Whoever stands in front may have seen another
		// end of this request, so the connection carries no other (RFC 9112, section 6.3).
		w.Header().Set("Connection", "close")
	}
	if r.Method == http.MethodConnect {
		h.refuse(w, r, refusedUnsupported, "This is not a proxy.")
		return
	}
	if !strings.HasPrefix(r.URL.Path, "/") || strings.ContainsAny(r.URL.Path, "\x00\r\n") {
		h.refuse(w, r, refusedMalformed, "This address is malformed.")
		return
	}
	path, ok := h.below(r.URL.Path)
	if !ok {
		h.refuse(w, r, refusedPath, "There is nothing at this address.")
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
		h.refuse(w, r, refusedUnsupported, "WebSockets are not available here.")
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
