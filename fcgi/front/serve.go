package front

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	stdlog "log"
	"log/slog"
	"net/http"
	"time"
)

// Bounds of an HTTP connection outside of a handler. There is none on a whole
// request or response: uploads and streams may last, and Handler bounds the
// moments in which nothing moves.
const (
	readHeaderTimeout = 15 * time.Second
	idleTimeout       = 75 * time.Second
	maxHeaderBytes    = 64 << 10

	// Of HTTP/2, for each connection.
	maxStreams   = 100
	streamBuffer = 256 << 10 // of bodies that nobody has read yet, for the whole connection
	pingAfter    = 30 * time.Second
)

// serverLog is what net/http logs. That a client does not finish a handshake is its own affair.
type serverLog struct{ log *slog.Logger }

func (l serverLog) Write(line []byte) (int, error) {
	level := slog.LevelWarn
	if bytes.HasPrefix(line, []byte("http: TLS handshake error")) {
		level = slog.LevelDebug
	}
	l.log.Log(context.Background(), level, string(bytes.TrimSpace(line)))
	return len(line), nil
}

// Serve answers HTTP at a listener until ctx is done. Then nobody new can connect: it drains the
// listener (see Drainer), lets the requests in flight finish until cut is done, and cuts what is left. It
// closes the listener. A handler whose connection was cut may go on after Serve has returned, as
// Handler does while a worker is busy. The error is nil after a shutdown in which every request
// was finished.
func Serve(ctx, cut context.Context, listener *Listener, handler http.Handler, log *slog.Logger) error {
	server := &http.Server{
		Handler: noteRequests(handler),
		// Else net/http would answer OPTIONS * by itself, as what it refuses.
		DisableGeneralOptionsHandler: true,
		ReadHeaderTimeout:            readHeaderTimeout,
		IdleTimeout:                  idleTimeout,
		MaxHeaderBytes:               maxHeaderBytes,
		ConnState:                    listener.connState,
		ConnContext:                  listener.connContext,
		ErrorLog:                     stdlog.New(serverLog{log}, "", 0),
		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams: maxStreams, SendPingTimeout: pingAfter,
			MaxReceiveBufferPerConnection: streamBuffer, MaxReceiveBufferPerStream: streamBuffer,
			CountError: func(string) { listener.counters.unanswered[protocolError].Add(1) },
		},
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	select {
	case err := <-ended:
		if ctx.Err() == nil {
			return errors.Join(fmt.Errorf("serve http: %w", err), server.Close())
		}
		ended <- err // of a listener of those who wait
	case <-ctx.Done():
	}
	listener.Drain()
	stopWaiting := context.AfterFunc(cut, func() { _ = listener.Close() })
	<-ended // of the server's loop alone
	stopWaiting()
	_ = listener.Close()
	listener.awaitEnd(cut)
	err := server.Shutdown(cut)
	if err != nil {
		err = errors.Join(fmt.Errorf("finish http requests: %w", err), server.Close())
	}
	return err
}

// noteRequests has a handler tell the connection of each request, and tell its client where it is the last one.
func noteRequests(handler http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c := connOf(r.Context()); c != nil {
			c.asking.pending.Store(false)
			if c.ends() {
				w.Header().Set("Connection", "close") // HTTP/2 has GOAWAY for that
			}
		}
		if r.Method == http.MethodOptions && r.RequestURI == "*" {
			leaveBody(w, r) // the server is asked, and not the application
			return
		}
		handler.ServeHTTP(w, r)
	})
}
