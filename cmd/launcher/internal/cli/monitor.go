//go:build linux

package cli

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"syscall"

	"github.com/urfave/cli/v2"

	"launcher/cmd/launcher/internal/metrics"
	"launcher/preforker"
	"launcher/preforker/control"
	"launcher/preforker/hint"
	"launcher/preforker/linux"
)

// monitor tells what the supervisor does: at the control socket, and at an address where the user wants that.
type monitor struct {
	supervisor *preforker.Supervisor
	listener   net.Listener // nil: at the control socket alone
	others     bool         // somebody else has bound the listener's socket, and keeps it
	pages      []control.Verb
	dashboard  *dashboardServer
}

// listenMetrics listens where the options say, so that a port in use is an error before anything is started, and root may bind
// one that the user may not. The control socket tells the same.
func listenMetrics(ctx *cli.Context, config *preforker.Config, given *givenSockets) (*monitor, error) {
	options, err := readMetrics(ctx)
	if err != nil {
		return nil, err
	}
	m := &monitor{}
	page := control.Public("/metrics", metrics.Handler(m.status, options.compat))
	config.Pages = append(config.Pages, page)
	if options.address == "" {
		return m, nil
	}
	m.pages = append(control.Probes(m.readiness), page)
	if err := m.listen(options.address, given); err != nil {
		return nil, hint.Errorf("choose another address with --"+optMetrics, "tell of the workers: %w", err)
	}
	config.Log.Info("metrics are told", slog.String(keyURL, "http://"+m.listener.Addr().String()+"/metrics"))
	return m, nil
}

// listen takes the socket of an address up that this process was started with, else makes one.
func (m *monitor) listen(address string, given *givenSockets) (err error) {
	if one := given.takeHTTP(httpAddress{network: "tcp", address: address}); one != nil {
		m.others = !one.kept
		m.listener, err = takeListener(one)
		return err
	}
	m.listener, err = net.Listen("tcp", address)
	return err
}

// of says who is asked. Nobody asks before.
func (m *monitor) of(supervisor *preforker.Supervisor) {
	m.supervisor, m.dashboard.supervisor = supervisor, supervisor
}

func (m *monitor) status(ctx context.Context) (control.Status, error) {
	return m.supervisor.Status(ctx)
}

func (m *monitor) readiness(ctx context.Context) (control.Readiness, error) {
	return m.supervisor.Readiness(ctx)
}

// serve serves at the address of metrics until the context ends.
func (m *monitor) serve(ctx context.Context) {
	if m.listener != nil {
		control.ServeAt(ctx, m.listener, m.pages...)
	}
}

// inherit makes a copy of the listening socket, which is there when this process closes its own.
func (m *monitor) inherit() (copies []preforker.Inherited, err error) {
	socket, is := m.listener.(syscall.Conn)
	if !is {
		return nil, nil
	}
	fd, err := linux.Duplicate(socket)
	if err != nil {
		return nil, fmt.Errorf("copy the socket of %s: %w", m.listener.Addr(), err)
	}
	name := keptHTTP // a launcher that has no such option, or another address, closes it
	if m.others {
		name = givenHTTPName
	}
	return []preforker.Inherited{{Name: name, FD: fd}}, nil
}

func (m *monitor) close() {
	if m.listener != nil {
		_ = m.listener.Close() // serve may have done so
	}
	m.dashboard.close()
}
