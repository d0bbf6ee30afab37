package control

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"launcher/preforker/hint"
)

const (
	// maxBody is how long the body of a request can be, in bytes, maxHeader its head. At an address of TCP a browser sends the cookies of
	// all that is there.
	maxBody         = 64 << 10
	maxHeader       = 8 << 10
	maxPublicHeader = 16 << 10
	// maxFollowers follow something at once, beside the maxClients that want a short answer.
	maxFollowers = 32
)

// handler finds the verb of a request, and writes what comes of it.
type handler struct {
	verbs     []Verb
	timeout   time.Duration // of a short answer
	last      time.Duration // of those that are under way at the end
	followers chan struct{}
	streams   *streams // among them
	bodiless  bool     // no verb has a body
}

func newHandler(verbs []Verb, timeout time.Duration) *handler {
	return &handler{verbs: verbs, timeout: timeout, last: lastAnswers, followers: make(chan struct{}, maxFollowers), streams: newStreams(),
		bodiless: !slices.ContainsFunc(verbs, func(verb Verb) bool { return verb.method != http.MethodGet })}
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	from := r.Context().Value(clientKey{}).(*client)
	var body []byte
	var unread error
	if !h.bodiless { // until all has come another client may have the place
		body, unread = io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	}
	if !from.begin() {
		panic(http.ErrAbortHandler) // it was dismissed
	}
	if h.bodiless && r.ContentLength != 0 {
		refuseBody(w, r)
	}
	foreign, strange := CheckOrigin(r)
	if strange != nil && !h.isPublic(r) {
		refuse(w, foreign, strange)
		return
	}
	verb, err := h.find(w, r)
	if err != nil {
		return // and it was said
	}
	if unread != nil {
		refuse(w, http.StatusBadRequest, hint.Errorf(tryBody(unread), "read request: %w", unread))
		return
	}
	if verb.page != nil {
		r.Body = io.NopCloser(bytes.NewReader(body))
		h.servePage(w, r, from, verb)
		return
	}
	if verb.follows {
		h.follow(w, r, from, verb, body)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), h.timeout)
	defer cancel()
	answer, err := verb.answer(ctx, body, nil)
	if err != nil {
		refuse(w, statusOf(err), err)
		return
	}
	write(w, http.StatusOK, answer)
}

// tryBody is what to do where a body has not come whole.
func tryBody(unread error) string {
	if long := (*http.MaxBytesError)(nil); errors.As(unread, &long) {
		return fmt.Sprintf("send at most %d bytes", maxBody)
	}
	return "send all of it at once"
}

// isPublic says whether a request is for what may be asked by any name of this host.
func (h *handler) isPublic(r *http.Request) bool {
	return slices.ContainsFunc(h.verbs, func(verb Verb) bool { return verb.public && verb.path == r.URL.Path && verb.takes(r.Method) })
}

// find returns the verb of a request. Where there is none it says which there are.
func (h *handler) find(w http.ResponseWriter, r *http.Request) (Verb, error) {
	var allowed, all []string
	for _, verb := range h.verbs {
		if verb.path == r.URL.Path {
			if verb.takes(r.Method) {
				return verb, nil
			}
			allowed = append(allowed, verb.method)
		}
		all = append(all, verb.method+" "+verb.path)
	}
	status, err := http.StatusNotFound, hint.Errorf("ask for one of: "+strings.Join(all, ", "), "find verb: there is no %q", r.URL.Path)
	if len(allowed) > 0 {
		slices.Sort(allowed)
		w.Header().Set("Allow", strings.Join(allowed, ", "))
		status, err = http.StatusMethodNotAllowed,
			hint.Errorf("use "+strings.Join(allowed, " or "), "find verb: %s is not for the method %s", r.URL.Path, r.Method)
	}
	refuse(w, status, err)
	return Verb{}, err
}

// follow gives its place among those that want a short answer back: it may take long.
func (h *handler) follow(w http.ResponseWriter, r *http.Request, from *client, verb Verb, body []byte) {
	leave, err := h.enter(from, verb)
	if err != nil {
		refuse(w, http.StatusServiceUnavailable, err)
		return
	}
	defer leave()
	out := &lines{to: w}
	out.begin()
	if verb.begins {
		out.open()
	}
	last, err := verb.answer(r.Context(), body, out.write)
	if err != nil && !out.began { // as of a short answer: a status tells it to those who read nothing else
		_ = out.control.SetWriteDeadline(time.Now().Add(lineTime))
		if _, is := last.(Outcome); !is {
			last = outcomeOf(nil, err)
		}
		write(w, statusOf(err), last)
		return
	}
	out.write(last)
}

var (
	// ErrEnding is for a client whose launcher ends.
	ErrEnding = hint.Errorf("see whether another one follows it (launcher status), else start it again", "the launcher is ending")
	// errReplaced is for one that has waited at a socket whose file was lost. What it has asked for goes on.
	errReplaced = hint.Errorf("see how it goes on: launcher status", "the control socket was removed, and is bound anew")
)

// statusOf is the status of HTTP for what has failed.
func statusOf(err error) int {
	var bad badRequest
	switch {
	case errors.As(err, &bad):
		return http.StatusBadRequest
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled), errors.Is(err, ErrEnding), errors.Is(err, errReplaced):
		return http.StatusServiceUnavailable
	default:
		return http.StatusConflict
	}
}

func refuse(w http.ResponseWriter, status int, err error) {
	write(w, status, refusal{Error: err.Error(), Try: hint.Of(err)})
}

func write(w http.ResponseWriter, status int, answer any) {
	text := encode(answer)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(text)
}
