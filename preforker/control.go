package preforker

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"launcher/preforker/linux"
	"launcher/preforker/sockets"
)

// ControlSocketName is the file name of the socket at which a running launcher answers. It is shorter than
// the name of any slot's socket, so its path is never too long where theirs are not.
const ControlSocketName = "launcher.sock"

const (
	// controlConnections are talked to at once. More of them wait, and none takes longer than
	// controlPatience, whatever it does.
	controlConnections = 16
	controlPatience    = 2 * time.Second
	// controlGrace is how long a client may say nothing while others wait.
	controlGrace = 20 * time.Millisecond
	// controlRequest is how long a request can be, in bytes.
	controlRequest = 64
	// acceptPause is the wait after an accept that failed, for want of descriptors most likely.
	acceptPause = 100 * time.Millisecond
)

// control is the socket that other processes of the same user ask and tell the launcher by: a
// line in, one JSON object out, and the end.
type control struct {
	path     string
	file     sockets.NamedFile
	listener net.Listener
	end      context.CancelFunc // of serving; nil before
	patience time.Duration      // with each client
}

// bindControl comes after the lock on the pid file: a socket that is there is another program's, or stale.
func bindControl(dir string, stale sockets.Staleness) (*control, error) {
	path := filepath.Join(dir, ControlSocketName)
	bound, err := sockets.Bind(path, linux.SocketOptions{Mode: 0o600, Gid: -1}, stale)
	if err != nil {
		return nil, err
	}
	listener, err := net.FileListener(bound.Listener)
	if err != nil {
		bound.Close()
		return nil, fmt.Errorf("listen at %s: %w", path, err)
	}
	_ = bound.Listener.Close() // FileListener has made its own
	return &control{path: path, file: bound.File, listener: listener, patience: controlPatience}, nil
}

func (c *control) close() {
	c.file.Remove()
	_ = c.listener.Close() // serve may have done so
}

// serve answers until the context ends, and returns when the last conversation has ended.
func (c *control) serve(ctx context.Context, answer func(ctx context.Context, request string) any) {
	defer context.AfterFunc(ctx, func() { _ = c.listener.Close() })()
	var conversations sync.WaitGroup
	defer conversations.Wait()
	room := newControlRoom()
	for {
		conn, err := c.listener.Accept()
		if err != nil {
			select {
			case <-ctx.Done():
				return
			case <-time.After(acceptPause):
				continue
			}
		}
		client, ok := room.enter(ctx, conn)
		if !ok {
			_ = conn.Close() // nothing was said
			return
		}
		conversations.Go(func() {
			defer room.leave(client)
			c.converse(ctx, client, answer)
		})
	}
}

// converse reads a line and writes an answer. A client that is slow, or gone, gets none.
func (c *control) converse(ctx context.Context, client *controlClient, answer func(ctx context.Context, request string) any) {
	ctx, cancel := context.WithTimeout(ctx, c.patience)
	defer cancel()
	conn := client.conn
	defer conn.Close()
	// The context's end, its deadline or that of the launcher, ends a reading and a writing.
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	line, err := bufio.NewReaderSize(io.LimitReader(conn, controlRequest), controlRequest).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return
	}
	client.asked.Store(true)
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(answer(ctx, strings.TrimSpace(line))); err != nil {
		text.Reset()
		_ = encoder.Encode(refusal{err.Error()})
	}
	_, _ = conn.Write(text.Bytes())
}

// refusal answers a request that nobody can answer.
type refusal struct {
	Error string `json:"error"`
}

// The requests.
const requestStatus = "status"

func (s *Supervisor) serveControl() {
	ctx, cancel := context.WithCancel(context.Background())
	c := s.control
	c.end = cancel
	s.tasks.Go(func() {
		select {
		case <-s.done:
			cancel()
		case <-ctx.Done():
		}
	})
	s.tasks.Go(func() { c.serve(ctx, s.answer) })
}

// replaceControl binds the control socket anew, and ends the conversations at the older one.
func (s *Supervisor) replaceControl() error {
	fresh, err := bindControl(s.config.SocketDir, sockets.Staleness{Predecessor: s.pid.Predecessor, Moved: true})
	if err != nil {
		return err
	}
	s.control.end()
	s.control.close()
	s.control = fresh
	s.serveControl()
	return nil
}

func (s *Supervisor) answer(ctx context.Context, request string) any {
	if request != requestStatus {
		return refusal{fmt.Sprintf("unknown request %q", request)}
	}
	status, err := s.status(ctx)
	if err != nil {
		return refusal{err.Error()}
	}
	return status
}
