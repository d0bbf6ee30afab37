package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"launcher/preforker/hint"
)

// Verb is something that can be asked at a control socket: a method, a path, and who answers. Get,
// Post, Follow, Page, Public and Stream make one.
type Verb struct {
	method, path string
	follows      bool // it may take as long as it likes, and tells how far it is
	begins       bool // its answer begins at once, as it may have nothing to tell for long
	answer       func(ctx context.Context, body []byte, tell func(any)) (any, error)
	page         http.Handler                                  // in the place of answer
	admits       func(http.ResponseWriter, *http.Request) bool // to a page that has no end
	public       bool                                          // by any name of this host
}

// takes says whether a verb is for a method: who gets something may get its head alone.
func (v Verb) takes(method string) bool {
	return v.method == method || v.method == http.MethodGet && method == http.MethodHead
}

// Get is a verb that only tells something, at once.
func Get[A any](path string, answer func(ctx context.Context) (A, error)) Verb {
	return Verb{method: http.MethodGet, path: path, answer: func(ctx context.Context, _ []byte, _ func(any)) (any, error) { return answer(ctx) }}
}

// Post is a verb that is carried out, or at least begun, at once. What it returns stands in the
// Outcome as its result; nil: nothing does.
func Post[Q any](path string, do func(ctx context.Context, request Q) (result any, err error)) Verb {
	return Verb{method: http.MethodPost, path: path, answer: func(ctx context.Context, body []byte, _ func(any)) (any, error) {
		request, err := decode[Q](body)
		if err != nil {
			return nil, err
		}
		result, err := do(ctx, request)
		return outcomeOf(result, err), err
	}}
}

// Follow is a verb that takes its time. Each piece of progress that it tells is a line of its own at
// once; the last line is the Outcome. Its context ends when the client is gone, or has not read a line in time.
func Follow[Q any](path string, do func(ctx context.Context, request Q, tell func(progress any)) (result any, err error)) Verb {
	return Verb{method: http.MethodPost, path: path, follows: true, answer: func(ctx context.Context, body []byte, tell func(any)) (any, error) {
		request, err := decode[Q](body)
		if err != nil {
			return nil, err
		}
		result, err := do(ctx, request, tell)
		return outcomeOf(result, err), err
	}}
}

// Outcome is how a verb has ended. It is the last line where progress was told before.
type Outcome struct {
	Done   bool   `json:"done"`            // as it was asked for
	Error  string `json:"error,omitempty"` // why it is not done
	Try    string `json:"try,omitempty"`   // what to do about that
	Result any    `json:"result,omitempty"`
}

func outcomeOf(result any, err error) Outcome {
	if err != nil {
		return Outcome{Error: err.Error(), Try: hint.Of(err), Result: result}
	}
	return Outcome{Done: true, Result: result}
}

// refusal is the answer to what cannot be carried out, or not at all.
type refusal struct {
	Error string `json:"error"`
	Try   string `json:"try,omitempty"`
}

// badRequest is an error of the client's.
type badRequest struct{ error }

func (e badRequest) Unwrap() error { return e.error }

// BadRequest makes an error the client's own: the request is not as it should be, or not now.
func BadRequest(try, format string, args ...any) error {
	return badRequest{hint.Errorf(try, format, args...)}
}

// decode reads a request, which may be empty. A field that is not known is a mistake: whoever sent it
// expects something of it.
func decode[Q any](body []byte) (request Q, err error) {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	switch err := decoder.Decode(&request); {
	case errors.Is(err, io.EOF):
	case err != nil:
		return request, BadRequest("send one JSON object, or nothing: curl --data '{}'", "read request: %w", withoutGo(err))
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return request, BadRequest("send one JSON object, or nothing: curl --data '{}'", "read request: there is more than one value")
	}
	return request, nil
}

// withoutGo says what is wrong with a request to those who do not know how it is read.
func withoutGo(err error) error {
	var kind *json.UnmarshalTypeError
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &kind) && kind.Field == "":
		return fmt.Errorf("it is an object, not %s", kind.Value)
	case errors.As(err, &kind):
		return fmt.Errorf("%q is of type %s, not %s", kind.Field, kind.Type, kind.Value)
	case errors.As(err, &syntax):
		return fmt.Errorf("it is no JSON: %w", err)
	default:
		return errors.New(strings.TrimPrefix(err.Error(), "json: "))
	}
}

// lineTime is how long the client may take to read each line of what it follows.
const lineTime = clientTimeout

// lines writes what is followed, a JSON object a line.
type lines struct {
	to      http.ResponseWriter
	control *http.ResponseController
	began   bool
	broken  bool
}

// begin lifts the time that a short answer has.
func (l *lines) begin() {
	l.control = http.NewResponseController(l.to)
	_ = l.control.SetReadDeadline(time.Time{})
	_ = l.control.SetWriteDeadline(time.Time{})
}

func (l *lines) write(line any) {
	if l.broken {
		return
	}
	l.head()
	_ = l.control.SetWriteDeadline(time.Now().Add(lineTime))
	_, err := l.to.Write(encode(line))
	l.broken = err != nil || l.control.Flush() != nil
}

// head writes the head of the answer, once.
func (l *lines) head() {
	if !l.began {
		l.began = true
		l.to.Header().Set("Content-Type", "application/x-ndjson")
		l.to.WriteHeader(http.StatusOK)
	}
}

// open sends the head of the answer before there is a line.
func (l *lines) open() {
	l.head()
	_ = l.control.SetWriteDeadline(time.Now().Add(lineTime))
	l.broken = l.control.Flush() != nil
}

func encode(value any) []byte {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		text.Reset()
		_ = encoder.Encode(refusal{Error: err.Error()})
	}
	return text.Bytes()
}
