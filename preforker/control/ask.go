package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"launcher/preforker/hint"
	"launcher/preforker/sockets"
)

const (
	// askTimeout is for a launcher on a machine that has no time for it.
	askTimeout = 5 * time.Second
	// maxAnswer is far more than 1024 workers take.
	maxAnswer = 8 << 20
)

// AskStatus asks the launcher whose sockets are in a folder. The text is the JSON as it came: a
// newer launcher may tell more than Status has.
func AskStatus(ctx context.Context, dir string) (status Status, text []byte, err error) {
	text, err = askOnce(ctx, dir, http.MethodGet, statusPath, nil)
	if err != nil {
		return status, nil, err
	}
	if err := json.Unmarshal(text, &status); err != nil {
		return Status{}, nil, noLauncher(dir, err)
	}
	if status.Version != StatusVersion {
		return Status{}, nil, hint.Errorf("use the same launcher that runs there",
			"read status: it has version %d, not %d", status.Version, StatusVersion)
	}
	return status, text, nil
}

// post has the launcher whose sockets are in a folder carry out a verb that Post has made, and reads
// its result, unless that is nil.
func post(ctx context.Context, dir, path string, request, result any) error {
	body, err := json.Marshal(request)
	if err != nil {
		return fmt.Errorf("ask the launcher: %w", err)
	}
	text, err := askOnce(ctx, dir, http.MethodPost, path, body)
	if err != nil {
		return err
	}
	return readOutcome(dir, path, text, result)
}

func readOutcome(dir, path string, text []byte, result any) error {
	last := Outcome{Result: result}
	if err := json.Unmarshal(text, &last); err != nil {
		return noLauncher(dir, err)
	}
	if !last.Done {
		return toldError(path, last.Error, last.Try)
	}
	return nil
}

// toldError is an error that the launcher tells. One that holds whatever is asked for gets the verb that was.
func toldError(path, text, try string) error {
	if text == ErrEnding.Error() || text == errReplaced.Error() {
		verb, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "?")
		text = verb + ": " + text
	}
	return hint.Errorf(try, "%s", text)
}

// askOnce returns the body of an answer with a status that tells of success.
func askOnce(ctx context.Context, dir, method, path string, body []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	answer, err := ask(ctx, dir, method, path, body)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.ContentLength > maxAnswer {
		return nil, tooLong(dir)
	}
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer+1))
	switch {
	case ctx.Err() != nil && len(text) <= maxAnswer:
		return nil, noAnswer(dir)
	case err != nil:
		return nil, failedAsking(dir, err, 0)
	case len(text) > maxAnswer:
		return nil, tooLong(dir)
	case answer.StatusCode != http.StatusOK:
		return nil, refused(dir, method, path, answer, text)
	}
	return text, nil
}

// askPause is the wait before a launcher is asked again that was busy with others.
const askPause = 20 * time.Millisecond

// ask connects, and returns an answer whose body is still to be read. Where the launcher ends the conversation before it has heard
// anything, as it does while many ask at once, it is asked again.
func ask(ctx context.Context, dir, method, path string, body []byte) (*http.Response, error) {
	for {
		answer, again, err := tryToAsk(ctx, dir, method, path, body)
		if !again || ctx.Err() != nil {
			return answer, err
		}
		if answer != nil {
			_ = answer.Body.Close()
		}
		select {
		case <-ctx.Done():
			return nil, noAnswer(dir)
		case <-time.After(askPause):
		}
	}
}

// tryToAsk asks once. Again is true where nothing came of it that could be carried out.
func tryToAsk(ctx context.Context, dir, method, path string, body []byte) (answer *http.Response, again bool, err error) {
	if err := sockets.CheckPaths(dir, 1); err != nil {
		return nil, false, err
	}
	socket := socketOf(dir)
	if info, err := os.Lstat(socket); err == nil && info.Mode().Type() != fs.ModeSocket {
		return nil, false, hint.Errorf("move it away: a launcher that runs makes its own", "find launcher: %s is there and is not a socket", socket)
	}
	var unreachable error
	said := &conversation{}
	transport := &http.Transport{
		DisableKeepAlives: true, DisableCompression: true, MaxResponseHeaderBytes: maxHeader,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var dialer net.Dialer
			conn, err := dialer.DialContext(ctx, "unix", socket)
			if err != nil {
				unreachable = unreached(dir, socket, err)
			}
			said.Conn = conn
			return said, err
		},
	}
	request, err := http.NewRequestWithContext(ctx, method, "http://launcher"+path, bytes.NewReader(body))
	if err != nil {
		return nil, false, fmt.Errorf("ask the launcher: %w", err)
	}
	answer, err = transport.RoundTrip(request)
	switch {
	case err == nil:
		return answer, answer.StatusCode == http.StatusServiceUnavailable && answer.Header.Get(retryHeader) == retryAtOnce, nil
	case unreachable != nil && ctx.Err() == nil:
		return nil, false, unreachable
	case ctx.Err() != nil:
		return nil, false, noAnswer(dir)
	default:
		return nil, !said.any.Load(), failedAsking(dir, err, said.first())
	}
}

func socketOf(dir string) string { return filepath.Join(dir, SocketName) }

func noAnswer(dir string) error {
	return fmt.Errorf("ask the launcher at %s: no answer within %v", socketOf(dir), askTimeout)
}

// conversation notes whether anything was said to the launcher, and the first byte of what is read: no answer in HTTP begins as an
// object does.
type conversation struct {
	net.Conn
	any  atomic.Bool
	byte atomic.Uint32
}

func (c *conversation) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	if n > 0 {
		c.any.Store(true)
	}
	return n, err
}

func (c *conversation) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if n > 0 {
		c.byte.CompareAndSwap(0, uint32(p[0]))
	}
	return n, err
}

func (c *conversation) first() byte { return byte(c.byte.Load()) }

func tooLong(dir string) error {
	return fmt.Errorf("ask the launcher at %s: the answer has more than %d bytes", socketOf(dir), maxAnswer)
}

// failedAsking says what came instead of an answer; began is its first byte, where it is no HTTP.
func failedAsking(dir string, err error, began byte) error {
	switch {
	case errors.Is(err, syscall.EPIPE), errors.Is(err, syscall.ECONNRESET), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("ask the launcher at %s: it has just ended", socketOf(dir))
	case began == '{':
		return hint.Errorf("ask with the program that runs there (ls -l /proc/PID/exe), or start it anew with this one",
			"ask the launcher at %s: it is older than this one, and its control socket does not speak HTTP", socketOf(dir))
	case strings.Contains(err.Error(), "malformed HTTP"):
		return noLauncher(dir, err)
	default:
		return fmt.Errorf("ask the launcher at %s: %w", socketOf(dir), err)
	}
}

func noLauncher(dir string, err error) error {
	return hint.Errorf("see who listens there: fuser -v "+socketOf(dir), "ask the launcher at %s: the answer is no launcher's: %w", socketOf(dir), err)
}

// refused is the error of an answer that tells of one.
func refused(dir, method, path string, answer *http.Response, text []byte) error {
	var told refusal
	if err := json.Unmarshal(text, &told); err != nil || told.Error == "" {
		return noLauncher(dir, fmt.Errorf("%s: %.80q", answer.Status, text))
	}
	if answer.StatusCode == http.StatusNotFound {
		return hint.Errorf("start it anew with this program", "ask the launcher: the one that runs there is older, and does not know %s %s", method, path)
	}
	return toldError(path, told.Error, told.Try)
}
