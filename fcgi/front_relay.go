package fcgi

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"time"
)

var (
	errNoWorker  = errors.New("no worker was free within the wait limit")
	errClosed    = errors.New("no worker is left")
	errAbandoned = errors.New("worker went on for too long after the client had gone")
)

// frontDialTimeout is short: another socket may take the request at once.
const frontDialTimeout = 500 * time.Millisecond

// relay gives a request to a worker and its response to the client.
func (f *Front) relay(w http.ResponseWriter, r *http.Request, path string) {
	params, err := f.environment(r, path)
	if err != nil {
		f.refuse(w, r, http.StatusBadRequest, "The Host header is malformed.")
		return
	}
	up := newUpload(w, r, f.config.StallLimit)
	defer up.linger()
	body, length, err := f.collect(w, r, up)
	if err != nil {
		f.refuseFailed(w, r, err)
		return
	}
	defer body.Close() // again, where the file of the response takes its descriptor
	request := &Request{Params: params, Body: body, ContentLength: length}
	if body == io.ReadCloser(up) {
		request.Interrupt = up.interrupt
	}
	ctx, left := f.workerContext(r.Context())
	defer left.end()
	request.Abort = left.abort
	socket, resp, err := f.send(ctx, r, request)
	if err != nil {
		f.refuseFailed(w, r, err)
		return
	}
	if o := takeOrder(resp.Header); o != nil && hasBody(resp.Status) {
		_, err := io.CopyN(io.Discard, resp.Body, sendfileDrain) // its end says that the worker is free
		_ = resp.Body.Close()
		f.giveBack(socket, err)
		_ = body.Close() // it was only read
		f.sendFile(w, r, resp, o, up)
		return
	}
	f.answer(w, r, socket, resp, up, left)
}

// send gives the request to the first socket that takes it, and returns with
// that socket held.
func (f *Front) send(ctx context.Context, r *http.Request, request *Request) (*socket, *Response, error) {
	wait, cancel := context.WithTimeout(r.Context(), f.config.WaitLimit)
	defer cancel()
	for again := false; ; again = true {
		socket, err := f.pool.acquire(wait, again)
		if err != nil {
			if r.Context().Err() != nil {
				return nil, nil, r.Context().Err()
			}
			if errors.Is(err, errClosed) {
				return nil, nil, err
			}
			return nil, nil, errNoWorker
		}
		resp, err := f.client(socket, r).Do(ctx, request)
		switch {
		case err == nil:
			return socket, resp, nil
		case NothingSent(err):
			if f.pool.setAside(socket) {
				f.log.Warn("socket refused and was set aside", keySocket, socket.path, keyError, err)
			}
		case errors.Is(err, ErrDied):
			// Its successor is yet to start, others may be idle.
			f.pool.setAside(socket)
			return nil, nil, err
		default:
			f.giveBack(socket, err)
			return nil, nil, err
		}
	}
}

// giveBack frees a socket after a request. A worker that was given up may still be busy with it, and what is
// sent there would wait for as long: it gets nothing before it has answered a probe.
func (f *Front) giveBack(s *socket, err error) {
	if !errors.Is(err, errAbandoned) {
		f.release(s)
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		f.release(s) // nobody gets it any more
		return
	}
	f.log.Warn("worker goes on with a request whose client has gone, and gets no other meanwhile", keySocket, s.path)
	f.probes.Go(func() {
		for f.life.Err() == nil {
			ctx, cancel := context.WithTimeout(f.life, probeTime)
			_, err := Probe(ctx, "unix", s.path)
			cancel()
			if err == nil {
				break
			}
			select {
			case <-time.After(probePause): // or who does not listen would be asked all the time
			case <-f.life.Done():
			}
		}
		f.release(s)
	})
}

const (
	probeTime  = time.Minute
	probePause = time.Second
)

func (f *Front) release(s *socket) {
	if f.pool.release(s) {
		f.log.Info("socket answered again", keySocket, s.path)
	}
}

func (f *Front) client(s *socket, r *http.Request) *Client {
	return &Client{
		Network: "unix", Address: s.path,
		DialTimeout: frontDialTimeout, HeadTimeout: f.config.HeadTimeout, MaxParams: f.config.MaxParams,
		Stderr: func(line string) {
			f.log.Warn("worker wrote an error", append(about(r), keySocket, s.path, keyLine, line)...)
		},
	}
}

// refuseFailed answers a request that got no response. A client that has gone does not read it, one that has only
// closed its sending side does.
func (f *Front) refuseFailed(w http.ResponseWriter, r *http.Request, err error) {
	failed := failureOf(err)
	level := slog.LevelError
	switch {
	case r.Context().Err() != nil:
		level = slog.LevelDebug // most likely nobody waits
	case errors.Is(err, ErrRequestBody):
		level = slog.LevelInfo // it is the client that has not sent it
	}
	f.log.Log(context.WithoutCancel(r.Context()), level, "request failed", append(about(r), keyStatus, failed.status, keyError, err)...)
	f.refuse(w, r, failed.status, failed.text)
}

// answer passes a response on. It returns when the worker is done, or gives it
// up after the abandon limit.
func (f *Front) answer(w http.ResponseWriter, r *http.Request, s *socket, resp *Response, up *upload, left *departure) {
	var failed error
	defer func() { f.giveBack(s, failed) }() // after the connection to the worker was closed
	defer resp.Body.Close()
	writeHead(w, resp, up.complete())
	rc := http.NewResponseController(w)
	gone := resp.stream.buffered() == 0 && !f.flush(rc)
	buf := make([]byte, 32<<10)
	for {
		if gone {
			left.tell()
		}
		n, err := resp.Body.Read(buf)
		if n > 0 && !gone {
			if gone = !f.write(w, rc, buf[:n]); !gone {
				left.took(r.Context())
			}
		}
		if err == nil {
			continue
		}
		if !errors.Is(err, io.EOF) {
			failed = err
			f.log.Error("response was cut short", append(about(r), keyError, err)...)
			gone = true
		}
		if gone || left.told() && resp.Header.Get("Content-Length") == "" {
			// Never a short page that looks whole. In HTTP/1.0 the end of the connection may be that of
			// the page, so it is reset.
			if !r.ProtoAtLeast(1, 1) {
				resetConnection(r.Context())
			}
			panic(http.ErrAbortHandler)
		}
		return
	}
}

// write sends a chunk on its way at once. False means that the client is gone;
// net/http has then ended the request's context, which starts the abandon
// limit.
func (f *Front) write(w http.ResponseWriter, rc *http.ResponseController, chunk []byte) bool {
	_ = rc.SetWriteDeadline(time.Now().Add(f.config.StallLimit)) // writers of tests have none
	_, err := w.Write(chunk)
	return err == nil && f.flush(rc)
}

func (f *Front) flush(rc *http.ResponseController) bool {
	err := rc.Flush()
	return err == nil || errors.Is(err, http.ErrNotSupported)
}

// writeHead passes the response head on, without what concerns the connection.
func writeHead(w http.ResponseWriter, resp *Response, bodyRead bool) {
	header := w.Header()
	copyHeader(header, resp.Header, bodyRead)
	if _, ok := header["Content-Type"]; !ok {
		header["Content-Type"] = nil // or net/http guesses one
	}
	if resp.Status == http.StatusNoContent {
		delete(header, "Content-Length") // RFC 9110, section 8.6
	}
	w.WriteHeader(resp.Status)
}

// copyHeader copies what of a response's header is not about the connection to the worker. Where the
// client may still be sending, the connection ends with the response: what it sends must not be taken
// for the next request.
func copyHeader(to, from http.Header, bodyRead bool) {
	dropHopByHop(from)
	for name, values := range from {
		to[name] = values
	}
	if !bodyRead {
		to.Set("Connection", "close")
	}
}

func hasBody(status int) bool {
	return status != http.StatusNoContent && status != http.StatusNotModified
}
