package fcgi

import (
	"errors"
	"fmt"
)

// Stage is how far a request came before it failed.
type Stage int

// The stages, in order.
const (
	// StageEncode: the request cannot be sent to any application.
	StageEncode Stage = iota + 1
	// StageConnect: nothing was sent. The request may go to another socket.
	StageConnect
	// StageHead: something was sent, no response head came back. Whether the
	// application acted is unknown, so the request must not be repeated.
	StageHead
	// StageBody: the head was delivered, the body is not whole.
	StageBody
)

func (s Stage) String() string {
	switch s {
	case StageEncode:
		return "encode request"
	case StageConnect:
		return "connect"
	case StageHead:
		return "await response head"
	case StageBody:
		return "read response body"
	}
	return fmt.Sprintf("stage %d", int(s))
}

// Error is a request that failed on the way to, in, or on the way back from an
// application.
type Error struct {
	Stage   Stage
	Address string
	Err     error
}

func (e *Error) Error() string {
	return fmt.Sprintf("%s for %s: %v", e.Stage, e.Address, e.Err)
}

// Unwrap returns the cause: one of the errors of this package, or of the
// connection, or of the context.
func (e *Error) Unwrap() error { return e.Err }

// NothingSent tells whether err left the request untouched, so that it may go
// to another socket.
func NothingSent(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Stage == StageConnect
}

// Unanswered tells whether the application ended the connection before anything of a response had come. It may
// have acted on the request all the same.
func Unanswered(err error) bool {
	var unanswered unansweredError
	return errors.As(err, &unanswered)
}

// unansweredError marks such an end.
type unansweredError struct{ error }

func (e unansweredError) Unwrap() error { return e.error }

// What can be wrong with a response.
var (
	ErrConnectionClosed = errors.New("connection ended before END_REQUEST")
	ErrNoResponse       = errors.New("request ended without a response")
	ErrStdoutClosed     = errors.New("output follows the end of the output stream")
	ErrOverloaded       = errors.New("application is overloaded")
	ErrCantMultiplex    = errors.New("application takes one request per connection")
	ErrUnknownRole      = errors.New("application does not play the responder")
	ErrProtocolStatus   = errors.New("request ended with an unknown protocol status")
	ErrHeadTooLarge     = errors.New("response head is too large")
	ErrBadHeader        = errors.New("response header is malformed")
	ErrBadStatus        = errors.New("response status is malformed")
	ErrContentLength    = errors.New("response content length is malformed or contradictory")
	ErrBodyShort        = errors.New("response body is shorter than its content length")
	ErrBodyLong         = errors.New("response body is longer than its content length")
	ErrRequestBody      = errors.New("request body could not be read")
	ErrRequestTooLarge  = errors.New("request parameters are too large")
)

func isTimeout(err error) bool {
	var t interface{ Timeout() bool }
	return errors.As(err, &t) && t.Timeout()
}
