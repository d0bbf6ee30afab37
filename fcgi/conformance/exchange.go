package conformance

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"syscall"
	"time"

	"launcher/fcgi"
)

// maxKept bounds what is kept of a response, and of an error stream.
const maxKept = 32 << 20

// exchange is one connection, whose records are read by a goroutine of its own.
type exchange struct {
	ctx     context.Context
	conn    net.Conn // nil where there is none
	timeout time.Duration
	plain   int
	posted  int
	full    bool          // the responder takes nothing more
	ended   chan struct{} // closed when nothing reads any more; nil where nothing was ever read

	mu         sync.Mutex
	changed    chan struct{} // closed and replaced with each record
	begun      []uint16      // requests that may be answered
	replies    map[uint16]*reply
	management []fcgi.Record // records of request 0
	end        error
	strange    string
}

// expects says that these requests may be answered, besides the usual one.
func (x *exchange) expects(ids ...uint16) *exchange {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.begun = append(x.begun, ids...)
	return x
}

// send writes, and stops where the responder takes nothing more: what comes back says why.
func (x *exchange) send(pieces ...[]byte) *exchange {
	for _, p := range pieces {
		if x.conn == nil || x.full || x.conn.SetWriteDeadline(time.Now().Add(x.timeout)) != nil {
			return x
		}
		_, err := x.conn.Write(p)
		x.full = err != nil
	}
	return x
}

// finish says that nothing more will be sent.
func (x *exchange) finish() *exchange {
	if half, ok := x.conn.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite() // the responder may have closed
	}
	return x
}

// listen begins to read.
func (x *exchange) listen() {
	if x.conn == nil || x.ended != nil {
		return
	}
	x.ended = make(chan struct{})
	go x.read()
}

func (x *exchange) read() {
	defer close(x.ended)
	records := fcgi.NewRecordReader(x.conn)
	for {
		r, err := records.Next()
		x.mu.Lock()
		switch {
		case err == nil:
			x.take(r)
		case errors.Is(err, fcgi.ErrVersion):
			x.strange = "no FastCGI came back: " + err.Error()
			x.end = io.EOF
		default:
			x.end = err
		}
		over := x.end != nil
		close(x.changed)
		x.changed = make(chan struct{})
		x.mu.Unlock()
		if over {
			return
		}
	}
}

// take files a record. The mutex is held.
func (x *exchange) take(r fcgi.Record) {
	if r.ID == 0 {
		if r.Type != fcgi.TypeGetValuesResult && r.Type != fcgi.TypeUnknownType {
			x.strange = fmt.Sprintf("%s for request 0", r.Type)
		} else if len(x.management) < 100 {
			x.management = append(x.management, fcgi.Record{Type: r.Type, Content: slices.Clone(r.Content)})
		}
		return
	}
	one := x.replies[r.ID]
	switch {
	case one == nil && !slices.Contains(x.begun, r.ID):
		x.strange = fmt.Sprintf("%s for request %d, which was not made", r.Type, r.ID)
		return
	case one == nil:
		one = &reply{}
		x.replies[r.ID] = one
	case one.done:
		x.strange = fmt.Sprintf("%s for request %d after its END_REQUEST", r.Type, r.ID)
		return
	}
	switch r.Type {
	case fcgi.TypeStdout:
		one.total += len(r.Content)
		one.stdout = append(one.stdout, r.Content[:min(len(r.Content), maxKept-len(one.stdout))]...)
	case fcgi.TypeStderr:
		one.stderr = append(one.stderr, r.Content[:min(len(r.Content), maxKept-len(one.stderr))]...)
	case fcgi.TypeEndRequest:
		if len(r.Content) != fcgi.HeaderLen {
			x.strange = fmt.Sprintf("END_REQUEST of %d bytes", len(r.Content))
			return
		}
		one.done, one.protocol = true, fcgi.ProtocolStatus(r.Content[4])
	default:
		x.strange = fmt.Sprintf("%s, which no responder sends", r.Type)
	}
}

// await waits until a condition holds, nothing more comes, or the time is over. The mutex is held while the
// condition is asked.
func (x *exchange) await(within time.Duration, holds func() bool) {
	x.listen()
	timer := time.NewTimer(within)
	defer timer.Stop()
	for {
		x.mu.Lock()
		over, changed := x.end != nil || x.strange != "" || holds(), x.changed
		x.mu.Unlock()
		if over {
			return
		}
		select {
		case <-changed:
		case <-timer.C:
			return
		case <-x.ctx.Done():
			return
		}
	}
}

// reply waits for the response to a request.
func (x *exchange) reply(id uint16) *reply { return x.replyWithin(id, x.timeout) }

func (x *exchange) replyWithin(id uint16, within time.Duration) *reply {
	x.await(within, func() bool { return x.replies[id] != nil && x.replies[id].done })
	x.mu.Lock()
	defer x.mu.Unlock()
	r := reply{}
	if known := x.replies[id]; known != nil {
		r = *known
	}
	r.end, r.strange, r.plain, r.posted = x.end, x.strange, x.plain, x.posted
	return &r
}

// first reads one record, and no more: the responder fills the connection after it and has to wait.
func (x *exchange) first() bool {
	if x.conn == nil || x.conn.SetReadDeadline(time.Now().Add(x.timeout)) != nil {
		return false
	}
	header := make([]byte, fcgi.HeaderLen)
	if _, err := io.ReadFull(x.conn, header); err != nil || fcgi.Type(header[1]) != fcgi.TypeStdout {
		return false
	}
	rest := make([]byte, int(binary.BigEndian.Uint16(header[4:6]))+int(header[6]))
	_, err := io.ReadFull(x.conn, rest)
	rest = rest[:len(rest)-int(header[6])]
	x.mu.Lock()
	defer x.mu.Unlock()
	x.replies[id] = &reply{stdout: rest, total: len(rest)}
	return err == nil && x.conn.SetReadDeadline(time.Time{}) == nil
}

// soFar returns what has come of the response.
func (x *exchange) soFar() *reply {
	x.mu.Lock()
	defer x.mu.Unlock()
	r := *x.replies[id]
	return &r
}

// closes waits until the responder has closed the connection.
func (x *exchange) closes() bool {
	x.await(x.timeout, func() bool { return false })
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.end != nil && isEnd(x.end)
}

// isOpen says whether the responder has left the connection open so far.
func (x *exchange) isOpen() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.end == nil
}

// managed waits for so many records of request 0.
func (x *exchange) managed(count int) []fcgi.Record {
	x.await(x.timeout, func() bool { return len(x.management) >= count })
	x.mu.Lock()
	defer x.mu.Unlock()
	return slices.Clone(x.management)
}

// how says what became of the connection itself.
func (x *exchange) how() string {
	x.mu.Lock()
	defer x.mu.Unlock()
	switch {
	case x.strange != "":
		return x.strange
	case x.end == nil:
		return "left open"
	case errors.Is(x.end, syscall.ECONNRESET):
		return "reset"
	default:
		return "closed"
	}
}

// close ends the connection and waits for its reader.
func (x *exchange) close() {
	if x.conn == nil {
		return
	}
	_ = x.conn.Close() // nothing is buffered on this side
	if x.ended != nil {
		<-x.ended
	}
}
