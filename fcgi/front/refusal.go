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

// refuse answers in the place of the application.
func (h *Handler) refuse(w http.ResponseWriter, r *http.Request, status int, text string) {
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

// leaveBody has a request answered without its body. net/http would wait for that before the response and after it.
func leaveBody(w http.ResponseWriter, r *http.Request) {
	if r.ContentLength != 0 && !r.ProtoAtLeast(2, 0) {
		// What is left of the body must not be taken for the next request, and
		// a client that sends on shall not hold the connection.
		w.Header().Set("Connection", "close")
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(lingerTime))
	}
}
