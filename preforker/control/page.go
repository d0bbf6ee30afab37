package control

import (
	"context"
	"net/http"
	"time"

	"launcher/preforker/hint"
)

// Page is something to read that is no JSON: a handler writes it, within the time of a short answer. The whole body of the request is there.
func Page(method, path string, page http.Handler) Verb {
	return Verb{method: method, path: path, page: page}
}

// Public is a page to GET by whatever name this host is asked by, as scrapers and load balancers do. It has nothing that other sites must not read.
func Public(path string, page http.Handler) Verb {
	return Page(http.MethodGet, path, page).ByAnyName()
}

// ByAnyName returns the verb of a page whose handler refuses by itself what a page of another site has a browser send (CheckOrigin), or has
// nothing to keep from that.
func (v Verb) ByAnyName() Verb {
	v.public = true
	return v
}

// Stream is a page that has no end: it takes no place of those who want a short answer. The handler sets a deadline for each
// part that it writes; its context ends with the client, with the server, and when the client has to give way to a newer one.
// Who is not admitted makes nobody give way: admits writes the refusal, and returns false.
func Stream(method, path string, admits func(http.ResponseWriter, *http.Request) bool, page http.Handler) Verb {
	return Verb{method: method, path: path, page: page, admits: admits, follows: true}
}

// servePage has the handler of a page write the answer.
func (h *handler) servePage(w http.ResponseWriter, r *http.Request, from *client, verb Verb) {
	if verb.follows {
		h.serveStream(w, r, from, verb)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), h.timeout)
	defer cancel()
	verb.page.ServeHTTP(w, r.WithContext(ctx))
}

func (h *handler) serveStream(w http.ResponseWriter, r *http.Request, from *client, verb Verb) {
	if !verb.admits(w, r) {
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), h.timeout)
	defer cancel()
	open, end := context.WithCancel(r.Context())
	defer end()
	one := &streaming{from, end}
	if err := h.streams.enter(ctx, one); err != nil {
		refuse(w, http.StatusServiceUnavailable, err)
		return
	}
	defer h.streams.leave(one)
	leave, err := h.enter(from, verb)
	if err != nil {
		refuse(w, http.StatusServiceUnavailable, err)
		return
	}
	defer leave()
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Time{})
	_ = control.SetWriteDeadline(time.Time{})
	verb.page.ServeHTTP(w, r.WithContext(open))
}

// refuseBody ends a request that has a body where none is read: a server of net/http would wait for that before it answers, whatever the
// answer is, and a client that does not send it would have its place for all the time that there is.
func refuseBody(w http.ResponseWriter, r *http.Request) {
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Now())
	refuse(w, http.StatusBadRequest, hint.Errorf("leave the body out", "read request: %s %.200q has no body here", r.Method, r.URL.Path))
	_ = control.Flush()
	panic(http.ErrAbortHandler) // which closes the connection now
}

// enter takes a place among those who follow something, and gives the client's other one back.
func (h *handler) enter(from *client, verb Verb) (leave func(), err error) {
	select {
	case h.followers <- struct{}{}:
		from.leave()
		return func() { <-h.followers }, nil
	default:
		return nil, hint.Errorf("end some of them, or ask without waiting",
			"%s %s: %d clients wait for something already", verb.method, verb.path, maxFollowers)
	}
}
