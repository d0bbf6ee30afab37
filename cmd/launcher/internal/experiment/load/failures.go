package load

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"launcher/cmd/launcher/internal/experiment/mix"
	"launcher/fcgi"
	"launcher/preforker/printable"
)

// Bounds of what is kept of errors, whose texts partly come from the server.
const (
	maxKinds       = 20
	maxFailureText = 300
)

// otherFailures is the text of the kinds beyond those that are kept.
const otherFailures = "other"

// What can be wrong with a response over HTTP.
var (
	errClosed  = errors.New("connection was closed before an answer")
	errShort   = errors.New("body is shorter than announced")
	errExcess  = errors.New("more bytes than the answer has were sent")
	errCutHead = errors.New("connection was closed within the head of the answer")
	errBigHead = errors.New("head of the answer is too large")
)

// Failure is a kind of error.
type Failure struct {
	Text  string // "GET /nothing: status 404", and the error stream's first line of the first of them
	Count int
}

// failures counts errors by kind. Slots share it: the bound is on all of them together,
// and errors are rare where time matters.
type failures struct {
	mu    sync.Mutex
	kinds map[string]*Failure
	other int
}

func (f *failures) add(kind, stderr string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if known, ok := f.kinds[kind]; ok {
		known.Count++
		return
	}
	if len(f.kinds) == maxKinds {
		f.other++
		return
	}
	if f.kinds == nil {
		f.kinds = make(map[string]*Failure)
	}
	f.kinds[kind] = &Failure{Text: withStderr(kind, stderr), Count: 1}
}

// list returns the kinds, the most frequent first and the others last.
func (f *failures) list() []Failure {
	var out []Failure
	for _, kind := range f.kinds {
		out = append(out, *kind)
	}
	slices.SortFunc(out, func(a, b Failure) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Text, b.Text))
	})
	if f.other > 0 {
		out = append(out, Failure{Text: otherFailures, Count: f.other})
	}
	return out
}

// failureText returns what is wrong with a response, "" where nothing is. It names nothing
// that differs from one connection to the next, as ports do: it is the kind.
func failureText(plan *Plan, kind int, response Response, err error) string {
	r := &plan.Mix[kind]
	text := ""
	if err != nil {
		text = errorText(err, plan.Timeout)
	} else if text = wrong(r, response); text == "" {
		return ""
	}
	return oneLine(fmt.Sprintf("%s: %s", r, text))
}

// wrong returns what is wrong with a whole response, "" where nothing is.
func wrong(r *mix.Request, response Response) string {
	text := fmt.Sprintf("status %d", response.Status)
	// It is named, since a plan that measures the redirect to a login page is a mistake.
	if location := response.Header.Get("Location"); response.Status/100 == 3 && location != "" {
		text += " to " + location
	}
	switch {
	case !r.Right(response.Status):
		return text
	case r.Shows != "" && !r.Shown(response.Header, response.page):
		return fmt.Sprintf("%s without %q", text, r.Shows)
	default:
		return ""
	}
}

// errorText returns an error without addresses, so that one kind has one text.
func errorText(err error, timeout time.Duration) string {
	var failed *fcgi.Error
	var network *net.OpError
	var system *os.SyscallError
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Sprintf("no whole answer within %v", timeout)
	case errors.Is(err, fcgi.ErrBodyShort), errors.Is(err, io.ErrUnexpectedEOF):
		return errShort.Error()
	case errors.As(err, &network) && errors.As(network.Err, &system):
		return system.Error()
	case errors.As(err, &network):
		return network.Op + ": " + network.Err.Error()
	case errors.As(err, &failed):
		return failed.Stage.String() + ": " + failed.Err.Error()
	}
	return err.Error()
}

func withStderr(text, stderr string) string {
	if stderr == "" {
		return text
	}
	return text + "; error stream: " + oneLine(stderr)
}

// oneLine makes one bounded line of what may come from a server.
func oneLine(text string) string {
	text = printable.Mask(strings.ToValidUTF8(text, "?"), '?')
	if runes := []rune(text); len(runes) > maxFailureText {
		return string(runes[:maxFailureText]) + "…"
	}
	return text
}
