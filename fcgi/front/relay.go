package front

import (
	"cmp"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"time"

	"launcher/fcgi"
)

// dialTimeout is short: another socket may take the request at once.
const dialTimeout = 500 * time.Millisecond

// relay gives a request to a worker and its response to the client.
func (h *Handler) relay(w http.ResponseWriter, r *http.Request, path string) {
	h.unsent.Add(1)
	sent := false
	defer func() {
		if !sent {
			h.unsent.Add(-1)
		}
	}()
	params := environments.Get().(*fcgi.Params)
	defer freeEnvironment(params)
	var err error
	if *params, err = h.appendEnvironment((*params)[:0], r, path); err != nil {
		h.refuse(w, r, refusedMalformed, "The Host header is malformed.")
		return
	}
	up := newUpload(w, r, h.config.StallLimit)
	defer up.linger()
	body, err := h.collect(w, r, up)
	if err != nil {
		h.refuseFailed(w, r, err)
		return
	}
	defer body.Close() // again, where the file of the response takes its descriptor
	client := h.watch(r.Context())
	defer client.end()
	request := &fcgi.Request{Params: *params, Content: body.content, Body: body.rest, ContentLength: body.length, Call: &client.call}
	if body.streamed {
		request.Interrupt = up.interrupt
	}
	socket, resp, err := h.send(r, request)
	h.unsent.Add(-1)
	sent = true
	if err != nil {
		h.refuseFailed(w, r, err)
		return
	}
	noteSlot(w, socket.slot)
	if file := takeSendfile(resp.Header); file != nil && hasBody(resp.Status) {
		_, err := io.CopyN(io.Discard, resp.Body, sendfileDrain) // its end says that the worker is free
		_ = resp.Body.Close()
		h.giveBack(socket, err)
		_ = body.Close() // it was only read
		h.sendFile(w, r, resp, file, up)
		return
	}
	h.respond(w, r, socket, resp, up, client)
}

// send gives the request to the first socket that takes it, and returns with
// that socket held. One that changes nothing, and whose worker has died before its response began, is given to another
// one, once: it may be what the worker has died of.
func (h *Handler) send(r *http.Request, request *fcgi.Request) (*socket, *fcgi.Response, error) {
	var limit time.Time // of the waits for a socket
	var died error      // of the worker that had it first
	for again := false; ; again = true {
		socket, idle := h.pool.take()
		if !idle {
			if limit.IsZero() {
				limit = time.Now().Add(h.config.WaitLimit)
			}
			var err error
			if socket, err = h.pool.acquire(r.Context(), limit, again); err != nil {
				return nil, nil, cmp.Or(died, err)
			}
		}
		began := time.Now()
		resp, err := h.client(socket, r).Do(context.Background(), request) // it outlives the client for a while
		switch {
		case err == nil:
			return socket, resp, nil
		case fcgi.NothingSent(err):
			if h.pool.setAside(socket) {
				h.log.Log(context.Background(), levelOfRefusal(r), "socket refused and was set aside", keySocket, socket.path, keyError, err)
			}
		case errors.Is(err, fcgi.ErrConnectionClosed) || fcgi.Unanswered(err):
			// Its successor is yet to start, others may be idle.
			h.pool.setAside(socket)
			if limit := h.passedLimit(socket, began); limit != nil {
				return nil, nil, limit
			}
			if died != nil || !fcgi.Unanswered(err) || !repeatable(r) {
				return nil, nil, err
			}
			died = err
			h.log.Warn("worker died before its response, and the request is given to another", append(about(r), keySocket, socket.path, keyError, err)...)
		default:
			h.giveBack(socket, err)
			return nil, nil, err
		}
	}
}

// levelOfRefusal: at a stop sockets close while the last requests look for one.
func levelOfRefusal(r *http.Request) slog.Level {
	if connOf(r.Context()).ends() {
		return slog.LevelDebug
	}
	return slog.LevelWarn
}

// passedLimit is why the worker of a socket was ended with the request that was given to it at that time, or nil: another one would pass
// the same limit, and what an operator has ended is not to begin anew.
func (h *Handler) passedLimit(s *socket, began time.Time) error {
	switch passed, timeout := h.config.PassedLimit(s.slot, began); {
	case passed && timeout:
		return errTimedOut
	case passed:
		return errEnded
	}
	return nil
}

// repeatable tells whether a request may be carried out twice (RFC 9110, section 9.2.1), and its client still waits.
func repeatable(r *http.Request) bool {
	return (r.Method == http.MethodGet || r.Method == http.MethodHead) && r.ContentLength == 0 && r.Context().Err() == nil
}

// giveBack frees a socket after a request. A worker that was given up may still be busy with it, and what is
// sent there would wait for as long: it gets nothing before it has answered a probe.
func (h *Handler) giveBack(s *socket, err error) {
	if !errors.Is(err, errAbandoned) {
		h.release(s)
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		h.release(s) // nobody gets it any more
		return
	}
	h.log.Warn("worker goes on with a request whose client has gone, and gets no other meanwhile", keySocket, s.path)
	h.probes.Go(func() {
		for h.life.Err() == nil {
			ctx, cancel := context.WithTimeout(h.life, probeTime)
			_, err := fcgi.Probe(ctx, fcgi.Network(s.path), s.path)
			cancel()
			if err == nil {
				break
			}
			select {
			case <-time.After(probePause): // or who does not listen would be asked all the time
			case <-h.life.Done():
			}
		}
		h.release(s)
	})
}

const (
	probeTime  = time.Minute
	probePause = time.Second
)

func (h *Handler) release(s *socket) {
	if h.pool.release(s) {
		h.log.Info("socket answered again", keySocket, s.path)
	}
}

func (h *Handler) client(s *socket, r *http.Request) *fcgi.Client {
	return &fcgi.Client{
		Network: fcgi.Network(s.path), Address: s.path, Keep: &s.kept,
		DialTimeout: dialTimeout, HeadTimeout: h.config.HeadTimeout, MaxParams: h.config.MaxParams,
		Stderr: func(line string) {
			h.log.Warn("worker wrote an error", append(about(r), keySocket, s.path, keyLine, line)...)
		},
	}
}

// refuseFailed answers a request that got no response. A client that has gone does not read it, one that has only
// closed its sending side does.
func (h *Handler) refuseFailed(w http.ResponseWriter, r *http.Request, err error) {
	failed := failureOf(err)
	level := slog.LevelError
	switch {
	case r.Context().Err() != nil:
		level = slog.LevelDebug // most likely nobody waits
	case errors.Is(err, fcgi.ErrRequestBody), errors.Is(err, errBodyTooLarge):
		level = slog.LevelInfo // it is the client that has not sent it, or too much
	}
	h.log.Log(context.WithoutCancel(r.Context()), level, "request failed", append(about(r), keyStatus, refusalKinds[failed.why].code, keyError, err)...)
	h.refuse(w, r, failed.why, failed.text)
}
