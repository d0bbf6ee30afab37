package front

import (
	"errors"
	"io"
	"net/http"
	"time"

	"launcher/fcgi"
)

// respond passes a response on. It returns when the worker is done, or gives it
// up after the abandon limit.
func (h *Handler) respond(w http.ResponseWriter, r *http.Request, s *socket, resp *fcgi.Response, up *upload, client *disconnect) {
	var failed error
	defer func() { h.giveBack(s, failed) }() // after the connection to the worker was closed
	defer resp.Body.Close()
	writeHead(w, resp, up.complete())
	rc := http.NewResponseController(w)
	gone := resp.Buffered() == 0 && !h.flush(rc)
	buf := make([]byte, 32<<10)
	for {
		if gone {
			client.abortWorker()
		}
		n, err := resp.Body.Read(buf)
		if n > 0 && !gone {
			if gone = !h.write(w, rc, buf[:n]); !gone {
				client.noteWrite(r.Context())
			}
		}
		if err == nil {
			continue
		}
		if !errors.Is(err, io.EOF) {
			failed = err
			h.log.Error("response was cut short", append(about(r), keyError, err)...)
			gone = true
		}
		if gone || client.aborted() && resp.Header.Get("Content-Length") == "" {
			// Never a short page that looks whole. In HTTP/1.0 the end of the connection may be that of
			// the page, so it is reset.
			if !r.ProtoAtLeast(1, 1) {
				resetOnClose(r.Context())
			}
			panic(http.ErrAbortHandler)
		}
		return
	}
}

// write sends a chunk on its way at once. False means that the client is gone;
// net/http has then ended the request's context, which starts the abandon
// limit.
func (h *Handler) write(w http.ResponseWriter, rc *http.ResponseController, chunk []byte) bool {
	_ = rc.SetWriteDeadline(time.Now().Add(h.config.StallLimit)) // writers of tests have none
	_, err := w.Write(chunk)
	return err == nil && h.flush(rc)
}

func (h *Handler) flush(rc *http.ResponseController) bool {
	err := rc.Flush()
	return err == nil || errors.Is(err, http.ErrNotSupported)
}

// writeHead passes the response head on, without what concerns the connection.
func writeHead(w http.ResponseWriter, resp *fcgi.Response, bodyRead bool) {
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
