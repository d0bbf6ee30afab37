//go:build linux

package cli

import (
	"fmt"
	"log/slog"
	"net"

	"launcher/fcgi"
	"launcher/preforker"
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
		return 0, &hint.Error{Err: fmt.Errorf("serve HTTP beside %s: the limit of open files leaves no room for connections", counted(workers, "worker", "workers")),
			Try: fmt.Sprintf("raise it by %d (ulimit -n, or LimitNOFILE= in a systemd unit), or run fewer workers",
				(minFrontConnections-connections)*descriptorsPerConnection)}
	}
	return connections, nil
}

// front is the embedded HTTP front with its listener.
type front struct {
	door    *fcgi.Door
	handler *fcgi.Front
}

// status is what launcher status tells of it.
func (f *front) status() *preforker.FrontStatus {
	open, most := f.door.Connections()
	_, waiting := f.handler.Load()
	return &preforker.FrontStatus{Address: f.door.Addr().String(), Connections: open, MaxConnections: most, Waiting: waiting}
}

// newFront listens, so that a port in use is an error before anything is started. It
// is nil where the user wants none.
func newFront(address string, where site, workers int, logger *slog.Logger) (*front, error) {
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
		return nil, &hint.Error{Err: fmt.Errorf("serve HTTP: %w", err), Try: "choose another address with --http"}
	}
	lighttpd := where.lighttpd(workers)
	handler := fcgi.NewFront(fcgi.FrontConfig{
		Sockets: lighttpd.Sockets, Public: lighttpd.Public, Prefix: lighttpd.Prefix, SendfileDirs: where.sendfileDirs, Log: logger,
	})
	if err := handler.CheckSpool(); err != nil {
		logger.Warn("uploads without a length will be refused", keyError, err)
	}
	return &front{door: fcgi.NewDoor(listener, connections, logger), handler: handler}, nil
}

func (f *front) close() {
	if f != nil {
		_ = f.door.Close()
	}
}
