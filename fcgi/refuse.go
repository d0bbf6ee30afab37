package fcgi

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"
)

// Bounds of a refusal. It serves web servers, which send a head at once.
const (
	// refuseHeadTime is how long the head of the first request may take.
	refuseHeadTime = 5 * time.Second
	// refuseTimeout bounds all of it.
	refuseTimeout = 10 * time.Second
	// refuseMaxHead is more than any web server sends as parameters.
	refuseMaxHead = 1 << 20
	// refuseMaxBody is how much of request bodies is read and dropped, so that
	// the peer can write on until it has seen the answer.
	refuseMaxBody = 8 << 20
	// refuseBodyPause is how long more of a body is waited for. A web server
	// closes as soon as it has END_REQUEST.
	refuseBodyPause = time.Second
	// refuseBodyPace is how much of a body another second is given for, up to
	// refuseBodyTime: one that trickles holds up others.
	refuseBodyPace = 64 << 10
	refuseBodyTime = 5 * time.Second
	// refuseIdleTime is how long a connection that is to be kept waits for the next request, and for each part of it.
	refuseIdleTime = 200 * time.Millisecond
	// refuseKeepTime is how long such a connection is kept: the first answer after that is the last. It bounds the head of a
	// request on it, too.
	refuseKeepTime = time.Second
)

// ErrProbe says that Refuse met a probe, which it leaves without an answer.
var ErrProbe = errors.New("peer asks for values")

// Refuse answers the request on conn with an HTTP status and a plain text,
// in the place of an application that cannot answer, and closes conn. A
// positive retryAfter is sent as Retry-After, in whole seconds. Where the peer
// wants the connection kept (FCGI_KEEP_CONN), requests that follow within a
// moment are answered likewise: to a peer that has sent one an end of the
// stream would say that somebody has read it, and died.
//
// It returns within ten seconds, whatever the peer does. It reads the head of
// the request before it answers and then goes on reading for a moment: closing
// a socket with unread input resets the connection, and the reset may overtake
// the answer.
func Refuse(conn net.Conn, status int, text string, retryAfter time.Duration) error {
	err := refuse(conn, status, text, retryAfter)
	if closeErr := conn.Close(); err == nil && closeErr != nil {
		err = closeErr
	}
	if err != nil {
		return fmt.Errorf("refuse request: %w", err)
	}
	return nil
}

func refuse(conn net.Conn, status int, text string, retryAfter time.Duration) error {
	now := time.Now()
	if err := conn.SetWriteDeadline(now.Add(refuseTimeout)); err != nil {
		return err
	}
	peer := &refusedPeer{conn: conn, end: now.Add(refuseTimeout)}
	peer.awaitHead(refuseHeadTime, refuseHeadTime)
	// The bound holds for header bytes and padding too, whatever the records.
	input := &io.LimitedReader{R: peer, N: refuseMaxHead}
	records := NewRecordReader(input)
	request, err := readRefused(records, peer, refused{})
	if err != nil {
		if input.N == 0 {
			return ErrRequestTooLarge
		}
		return err
	}
	answer := refusal(status, text, retryAfter)
	if _, err := conn.Write(request.appendAnswer(nil, answer)); err != nil {
		return err
	}
	input.N += refuseMaxBody
	// Whatever ends this ends the refusal: the answer is out.
	for kept := time.Now().Add(refuseKeepTime); request.keep && time.Now().Before(kept); {
		if request, err = readRefused(records, peer, request); err != nil {
			return nil
		}
		if _, err := conn.Write(request.appendAnswer(nil, answer)); err != nil {
			return nil
		}
	}
	// Nowhere but right behind an answer can a peer take the end for what it is.
	if half, ok := conn.(interface{ CloseWrite() error }); ok {
		if err := half.CloseWrite(); err != nil {
			return nil // the peer has read END_REQUEST and is gone
		}
	}
	peer.awaitBody()
	_, _ = io.Copy(io.Discard, input)
	return nil
}

// refusedPeer reads from a peer, within the bounds for what is awaited from it.
type refusedPeer struct {
	conn  net.Conn
	pause time.Duration // at most, until something comes
	began time.Time
	most  time.Duration // from then on
	pace  int           // bytes that another second is given for, of those that are allowed; 0: all are given
	read  int
	end   time.Time // of everything
}

// awaitHead bounds the head of a request.
func (p *refusedPeer) awaitHead(pause, most time.Duration) {
	p.pause, p.began, p.most, p.pace, p.read = pause, time.Now(), most, 0, 0
}

// awaitBody bounds what is left of a body.
func (p *refusedPeer) awaitBody() {
	p.pause, p.began, p.most, p.pace, p.read = refuseBodyPause, time.Now(), refuseBodyTime, refuseBodyPace, 0
}

func (p *refusedPeer) Read(b []byte) (int, error) {
	if err := p.conn.SetReadDeadline(p.deadline(time.Now())); err != nil {
		return 0, err
	}
	n, err := p.conn.Read(b)
	p.read += n
	return n, err
}

func (p *refusedPeer) deadline(now time.Time) time.Time {
	allowed := p.most
	if p.pace > 0 {
		allowed = min(allowed, time.Second+time.Duration(p.read)*time.Second/time.Duration(p.pace))
	}
	limit := now.Add(p.pause)
	for _, other := range []time.Time{p.began.Add(allowed), p.end} {
		if limit.After(other) {
			limit = other
		}
	}
	return limit
}

// refused is a request that is refused.
type refused struct {
	id      uint16
	keep    bool // the connection
	verdict ProtocolStatus
	aborted bool // nothing of it follows
}

func (r refused) appendAnswer(out []byte, answer string) []byte {
	if r.verdict == StatusRequestComplete {
		out = AppendRecord(out, TypeStdout, r.id, []byte(answer))
		out = AppendRecord(out, TypeStdout, r.id, nil)
	}
	return AppendEndRequest(out, r.id, 0, r.verdict)
}

// readRefused reads one request up to the end of its parameters, behind what is left of the one before. They need not
// be understood to be refused.
func readRefused(records *RecordReader, peer *refusedPeer, before refused) (request refused, err error) {
	over := before.id == 0 || before.aborted
	switch {
	case before.id == 0:
	case over:
		peer.awaitHead(refuseIdleTime, refuseKeepTime)
	default:
		peer.awaitBody()
	}
	for {
		record, err := records.Next()
		if err != nil {
			return request, unexpectedEOF(err)
		}
		switch {
		case record.Type == TypeGetValues && record.ID == 0:
			// A probe asks whether somebody serves here. Nobody does.
			return request, ErrProbe
		case record.Type == TypeBeginRequest && request.id == 0:
			if len(record.Content) != bodyLen || record.ID == 0 {
				return request, fmt.Errorf("%w: BEGIN_REQUEST", ErrRecordContent)
			}
			request.id, request.keep = record.ID, record.Content[2]&flagKeepConn != 0
			if Role(binary.BigEndian.Uint16(record.Content)) != RoleResponder {
				request.verdict = StatusUnknownRole
				return request, nil
			}
		case request.id == 0 && before.id != 0 && record.ID == before.id:
			if !over && (record.Type == TypeStdin && len(record.Content) == 0 || record.Type == TypeAbortRequest) {
				over = true
				peer.awaitHead(refuseIdleTime, refuseKeepTime)
			}
		case request.id == 0 || record.ID != request.id:
			return request, fmt.Errorf("%w: %s for request %d", ErrRequestID, record.Type, record.ID)
		case record.Type == TypeParams && len(record.Content) == 0, record.Type == TypeAbortRequest:
			request.verdict, request.aborted = StatusRequestComplete, record.Type == TypeAbortRequest
			return request, nil
		case record.Type != TypeParams:
			return request, fmt.Errorf("%w: %s", ErrRecordType, record.Type)
		}
	}
}

// refusal is the CGI response.
func refusal(status int, text string, retryAfter time.Duration) string {
	head := fmt.Sprintf("Status: %d %s\r\n", status, http.StatusText(status))
	if retryAfter > 0 {
		head += "Retry-After: " + retrySeconds(retryAfter) + "\r\n"
	}
	return head + "Content-Type: text/plain; charset=utf-8\r\nCache-Control: no-store\r\n" +
		"Content-Length: " + strconv.Itoa(len(text)) + "\r\n\r\n" + text
}

// retrySeconds rounds up: Retry-After has whole seconds (RFC 9110, section
// 10.2.3), and 0 would mean at once.
func retrySeconds(d time.Duration) string {
	return strconv.FormatInt(int64((d+time.Second-1)/time.Second), 10)
}
