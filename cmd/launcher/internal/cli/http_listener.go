//go:build linux

package cli

import (
	"fmt"
	"log/slog"
	"net"

	"launcher/fcgi/front"
	"launcher/preforker"
	"launcher/preforker/control"
	"launcher/preforker/hint"
)

const (
	// A connection takes a second descriptor where it is sent a file or has sent a body that is
	// spooled; each worker one for its request.
	descriptorsPerConnection = 2
	minFrontConnections      = 16
	// maxFrontConnections bounds the memory of the front: a connection takes up to 100 kB.
	maxFrontConnections = 2048
)

// frontConnections is how many connections the front may have at once. The supervisor is in the same process, and
// what clients do must not take the descriptors from it that it needs for the workers.
func frontConnections(workers int) (int, error) {
	spare, err := preforker.SpareDescriptors(workers)
	if err != nil {
		return 0, err
	}
	connections := min((spare-workers)/descriptorsPerConnection, maxFrontConnections)
	if connections < minFrontConnections {
		missing := (minFrontConnections - connections) * descriptorsPerConnection
		return 0, hint.Errorf(fmt.Sprintf("raise it by %d (ulimit -n, or LimitNOFILE= in a systemd unit), or run fewer workers", missing),
			"serve HTTP beside %s: the limit of open files leaves no room for connections", counted(workers, "worker", "workers"))
	}
	return connections, nil
}

// httpListener is where --http listens, with the front that serves there.
type httpListener struct {
	listener *front.Listener
	handler  *front.Handler
}

// status is what launcher status tells of it.
func (l *httpListener) status() *control.FrontStatus {
	open, max := l.listener.Connections()
	_, waiting := l.handler.Load()
	return &control.FrontStatus{Address: l.listener.Addr().String(), Connections: open, MaxConnections: max, Waiting: waiting}
}

// listenHTTP listens, so that a port in use is an error before anything is started. It
// is nil where the user wants none.
func listenHTTP(address string, where site, workers int, logger *slog.Logger) (*httpListener, error) {
	if address == "" {
		return nil, nil
	}
	if err := httpAddress(address); err != nil {
		return nil, err
	}
	connections, err := frontConnections(workers)
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, hint.Errorf("choose another address with --http", "serve HTTP: %w", err)
	}
	lighttpd := where.lighttpd(workers)
	handler := front.New(front.Config{
		Sockets: lighttpd.Sockets, Public: lighttpd.Public, Prefix: lighttpd.Prefix, SendfileDirs: where.sendfileDirs, Log: logger,
	})
	if err := handler.CheckSpool(); err != nil {
		logger.Warn("uploads without a length will be refused", keyError, err)
	}
	return &httpListener{listener: front.NewListener(listener, connections, logger), handler: handler}, nil
}

func (l *httpListener) close() {
	if l != nil {
		_ = l.listener.Close()
	}
}
