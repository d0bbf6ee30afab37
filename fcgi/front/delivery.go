package front

import (
	"errors"
	"io"
	"net/http"
	"sync"
	"time"

	"launcher/fcgi"
)

// errUnwanted is the end of a response whose worker was told that nobody waits for it.
var errUnwanted = errors.New("worker was told that nobody waits for its response")

// pieceSize is how much of a response may be read before its first byte is sent.
const pieceSize = 32 << 10

// pieces are the memory of that.
var pieces = sync.Pool{New: func() any { return new([pieceSize]byte) }}

// delivery is a response on its way from a worker to a client. A response that is there as a whole leaves its worker
// free before the first byte is sent; what is longer is read by a goroutine of its own and buffered where the client is
// slow.
type delivery struct {
	h      *Handler
	r      *http.Request
	rc     *http.ResponseController // of the connection
	socket *socket
	resp   *fcgi.Response
	client *disconnect
}

// respond passes a response on. It returns when the client has it and the worker is done, or given up after the
// abandon limit.
func (h *Handler) respond(w http.ResponseWriter, r *http.Request, s *socket, resp *fcgi.Response, up *upload, client *disconnect) {
	defer h.noteLeft(r)
	d := &delivery{h: h, r: r, rc: http.NewResponseController(w), socket: s, resp: resp, client: client}
	piece := pieces.Get().(*[pieceSize]byte)
	defer pieces.Put(piece)
	n, err := gather(resp, piece[:])
	if err != nil {
		err = d.workerDone(err)
	}
	length := -1
	if errors.Is(err, io.EOF) && r.Method != http.MethodHead && hasBody(resp.Status) {
		length = n
	}
	goesOn := (up.complete() || r.ProtoAtLeast(2, 0)) && !connOf(r.Context()).ends()
	h.compressed(w, r, resp, func(w http.ResponseWriter) {
		writeHead(w, resp, goesOn, length)
		if err != nil {
			d.deliverWhole(w, piece[:n], err)
		} else {
			d.deliver(w, piece[:n])
		}
	})
}

// gather reads what is there of a body without waiting for the worker. An error says that no more of it follows.
func gather(resp *fcgi.Response, into []byte) (n int, err error) {
	for n < len(into) && resp.Ready() {
		read, err := resp.Body.Read(into[n:])
		n += read
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// deliverWhole sends a response that is there as a whole, or as far as its worker came.
func (d *delivery) deliverWhole(w http.ResponseWriter, body []byte, err error) {
	if len(body) > 0 {
		d.write(w, body)
	}
	if !errors.Is(err, io.EOF) {
		d.cut()
	}
}

// deliver sends what there is, and what follows as it comes.
func (d *delivery) deliver(w http.ResponseWriter, first []byte) {
	b := d.h.buffers.open()
	pumped := make(chan struct{})
	defer b.close()
	defer func() { <-pumped }()
	go func() {
		defer close(pumped)
		d.pump(b)
	}()
	gone := len(first) > 0 && !d.write(w, first) || !d.flush(w)
	for !gone {
		piece, last, err := b.next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			break
		}
		// The last piece leaves with the end of the response.
		gone = !d.write(w, piece) || !last && !d.flush(w)
	}
	b.abandon()
	d.client.abortWorker()
	<-pumped
	d.cut()
}

// pump reads a response to its end into a buffer. What nobody takes is read all the same: its end says that the worker
// is free.
func (d *delivery) pump(b *buffer) {
	piece := slab()
	defer func() { freeSlab(piece) }()
	for wanted := true; ; {
		n, err := d.resp.Body.Read(piece)
		if n > 0 && wanted {
			piece, wanted = b.hand(piece[:n])
		}
		if err != nil {
			b.end(d.workerDone(err))
			return
		}
	}
}

// workerDone ends the worker's part, and says how the response has ended: with io.EOF where it is whole.
func (d *delivery) workerDone(err error) error {
	unwanted := d.client.aborted() && d.resp.Header.Get("Content-Length") == ""
	_ = d.resp.Body.Close()
	if errors.Is(err, io.EOF) {
		d.h.giveBack(d.socket, nil)
		if err = io.EOF; unwanted {
			err = errUnwanted
		}
	} else {
		d.h.log.Error("response was cut short", append(about(d.r), keyError, err)...)
		d.h.giveBack(d.socket, err)
	}
	d.client.end() // whatever becomes of the client does not matter to the worker
	return err
}

// write sends a piece on its way. False means that the client is gone; net/http has then ended the request's context,
// which starts the abandon limit.
func (d *delivery) write(w http.ResponseWriter, piece []byte) bool {
	_ = d.rc.SetWriteDeadline(time.Now().Add(d.h.config.StallLimit)) // writers of tests have none
	if _, err := w.Write(piece); err != nil {
		return false
	}
	d.client.noteWrite(d.r.Context())
	return true
}

func (d *delivery) flush(w http.ResponseWriter) bool {
	_ = d.rc.SetWriteDeadline(time.Now().Add(d.h.config.StallLimit)) // as above
	err := http.NewResponseController(w).Flush()
	return err == nil || errors.Is(err, http.ErrNotSupported)
}

// cut ends a response that is not whole: never a short page that looks whole. In HTTP/1.0 the end of the
// connection may be that of the page, so it is reset.
func (d *delivery) cut() {
	if !d.r.ProtoAtLeast(1, 1) {
		resetOnClose(d.r.Context())
	}
	panic(http.ErrAbortHandler)
}
