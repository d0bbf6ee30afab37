package conformance

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/textproto"
	"strconv"
	"strings"
	"syscall"

	"launcher/fcgi"
)

// kind is what became of a request; a set of them is what is accepted.
type kind uint

const (
	served      kind = 1 << iota // a whole response, with the status of a plain request
	refused                      // a whole response with another status, from 400 on
	answered                     // a whole response with another status
	rejected                     // END_REQUEST that says why the request is none
	ended                        // END_REQUEST, and no response
	closed                       // the connection was closed, and nothing came for the request
	cut                          // the connection was closed in the middle of the response
	silent                       // nothing more came in time
	malformed                    // what came is not FastCGI, or belongs to nothing that was asked
	unreachable                  // there was no connection
)

// whole are all ways in which a request gets its END_REQUEST.
const whole = served | refused | answered | rejected | ended

// reply is what came back for one request.
type reply struct {
	stdout   []byte
	total    int // bytes of STDOUT, those beyond the bound too
	stderr   []byte
	done     bool // END_REQUEST came
	protocol fcgi.ProtocolStatus
	end      error // why nothing more comes on the connection; nil while it is open
	strange  string
	plain    int // the status of a plain request; 0 where that is not known yet
	posted   int // that of one with a body, where the request has one; else 0
}

// status is that of the CGI head, 200 where it names none, and 0 where there is no head.
func (r *reply) status() int {
	header, ok := r.header()
	if !ok {
		return 0
	}
	code, _, _ := strings.Cut(header.Get("Status"), " ")
	if code == "" {
		return 200
	}
	status, err := strconv.Atoi(code)
	if err != nil {
		return 0
	}
	return status
}

func (r *reply) header() (textproto.MIMEHeader, bool) {
	at, size := headEnd(r.stdout)
	if at < 0 {
		return nil, false
	}
	header, err := textproto.NewReader(bufio.NewReader(bytes.NewReader(r.stdout[:at+size]))).ReadMIMEHeader()
	return header, err == nil
}

// body is what follows the head.
func (r *reply) body() []byte {
	at, size := headEnd(r.stdout)
	if at < 0 {
		return nil
	}
	return r.stdout[at+size:]
}

// headEnd finds the empty line (RFC 3875, section 6.2: a line ends with LF, with or without a CR).
func headEnd(data []byte) (at, size int) {
	at = -1
	for _, end := range []string{"\r\n\r\n", "\n\n"} {
		if i := bytes.Index(data, []byte(end)); i >= 0 && (at < 0 || i < at) {
			at, size = i, len(end)
		}
	}
	return at, size
}

func (r *reply) kind() kind {
	switch {
	case r.strange != "":
		return malformed
	case r.done && r.protocol != fcgi.StatusRequestComplete:
		return rejected
	case r.done && r.total == 0:
		return ended
	case r.done && r.status() == 0:
		return malformed
	case r.done && (r.status() == r.plain || r.status() == r.posted || r.plain == 0):
		return served
	case r.done && r.status() >= 400:
		return refused
	case r.done:
		return answered
	case r.end == nil:
		return silent
	case !isEnd(r.end):
		return unreachable
	case r.total > 0:
		return cut
	default:
		return closed
	}
}

// isEnd tells an end of the connection from a connection that never was.
func isEnd(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// is says whether the reply is of one of these kinds.
func (r *reply) is(kinds kind) bool { return r.kind()&kinds != 0 }

func (r *reply) String() string {
	switch r.kind() {
	case served, refused, answered:
		return strconv.Itoa(r.status())
	case rejected:
		return "END_REQUEST, " + protocolName(r.protocol)
	case ended:
		return "END_REQUEST without a response"
	case closed:
		if errors.Is(r.end, syscall.ECONNRESET) {
			return "reset"
		}
		return "closed"
	case cut:
		return fmt.Sprintf("closed after %d bytes of the response", r.total)
	case silent:
		if r.total > 0 {
			return fmt.Sprintf("nothing more after %d bytes of the response", r.total)
		}
		return "nothing came in time"
	case unreachable:
		return "no connection: " + r.reason()
	default:
		if r.strange == "" {
			return fmt.Sprintf("a response without a head: %.60q", r.stdout)
		}
		return r.strange
	}
}

// reason says why there was no connection.
func (r *reply) reason() string {
	var number syscall.Errno
	if errors.As(r.end, &number) {
		return number.Error()
	}
	return r.end.Error()
}

func protocolName(status fcgi.ProtocolStatus) string {
	switch status {
	case fcgi.StatusRequestComplete:
		return "REQUEST_COMPLETE"
	case fcgi.StatusCantMultiplex:
		return "CANT_MPX_CONN"
	case fcgi.StatusOverloaded:
		return "OVERLOADED"
	case fcgi.StatusUnknownRole:
		return "UNKNOWN_ROLE"
	}
	return fmt.Sprintf("protocol status %d", uint8(status))
}
