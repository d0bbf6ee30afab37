package front

import (
	"net/http"
	"time"
)

const (
	// retryAfter is what a client is told when no worker is free, in seconds.
	retryAfter = "5"
	// lingerTime is how long the rest of a body that nobody wants is read, so that the
	// client sees the answer before the connection is reset.
	lingerTime = 2 * time.Second
)

// refusal is why the front answers in the place of the application.
type refusal int

const (
	refusedMalformed refusal = iota
	refusedSlow
	refusedBody
	refusedFile
	refusedPath
	refusedMissing
	refusedLarge
	refusedExpectation
	refusedHead
	refusedSendfile
	refusedUnstored
	refusedUnsupported
	refusedNoAnswer
	refusedNoWorker
	refusedBusy
	refusedUploads
	refusedStopping
	refusedTimeout
	refusedVersion
	refusedDisk
	refusals
)

// refusalKinds are the code and the name of each, in the order of the codes.
var refusalKinds = [refusals]struct {
	code   int
	reason string
}{
	refusedMalformed:   {http.StatusBadRequest, "malformed"},
	refusedSlow:        {http.StatusBadRequest, "head timeout"},
	refusedBody:        {http.StatusBadRequest, "body timeout"},
	refusedFile:        {http.StatusForbidden, "file not readable"},
	refusedPath:        {http.StatusNotFound, "outside of the prefix"},
	refusedMissing:     {http.StatusNotFound, "no such file to send"},
	refusedLarge:       {http.StatusRequestEntityTooLarge, "body too large"},
	refusedExpectation: {http.StatusExpectationFailed, "unknown expectation"},
	refusedHead:        {http.StatusRequestHeaderFieldsTooLarge, "head too large"},
	refusedSendfile:    {http.StatusInternalServerError, "file not to be sent"},
	refusedUnstored:    {http.StatusInternalServerError, "body not stored"},
	refusedUnsupported: {http.StatusNotImplemented, "not supported"},
	refusedNoAnswer:    {http.StatusBadGateway, "no answer of a worker"},
	refusedNoWorker:    {http.StatusServiceUnavailable, "no worker was free"},
	refusedBusy:        {http.StatusServiceUnavailable, "too many requests"},
	refusedUploads:     {http.StatusServiceUnavailable, "too many uploads"},
	refusedStopping:    {http.StatusServiceUnavailable, "stopping"},
	refusedTimeout:     {http.StatusGatewayTimeout, "request timeout"},
	refusedVersion:     {http.StatusHTTPVersionNotSupported, "unknown version"},
	refusedDisk:        {http.StatusInsufficientStorage, "no room on the disk"},
}

// refuse answers in the place of the application.
func (h *Handler) refuse(w http.ResponseWriter, r *http.Request, why refusal, text string) {
	if why == refusedBody || !h.noteLeft(r) && !connOf(r.Context()).gaveWay() { // net/http takes whom it has waited for in vain for one that has left
		h.config.Counters.refused[why].Add(1)
	}
	status := refusalKinds[why].code
	header := w.Header()
	header.Set("Content-Type", "text/plain; charset=utf-8")
	header.Set("Cache-Control", "no-store")
	if status == http.StatusServiceUnavailable {
		header.Set("Retry-After", retryAfter)
	}
	leaveBody(w, r)
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write([]byte(text + "\n")) // a client that is gone needs no answer
	}
}

// noteLeft counts a request whose client has left, or has closed its sending side, before it had its answer. It returns whether nobody
// waits for one: who had to make room for another connection was counted then.
func (h *Handler) noteLeft(r *http.Request) bool {
	if r.Context().Err() == nil {
		return false
	}
	if !connOf(r.Context()).gaveWay() {
		h.config.Counters.unanswered[clientLeft].Add(1)
	}
	return true
}

// leaveBody has a request answered without its body. net/http would wait for that before the response and after it.
func leaveBody(w http.ResponseWriter, r *http.Request) {
	if r.ContentLength != 0 && !r.ProtoAtLeast(2, 0) {
		// What is left of the body must not be taken for the next request, and
		// a client that sends on shall not hold the connection.
		w.Header().Set("Connection", "close")
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(lingerTime))
	}
}
