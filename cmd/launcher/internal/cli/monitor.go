//go:build linux

package cli

import (
	"context"
	"errors"
	"log/slog"

	"github.com/urfave/cli/v2"

	"launcher/cmd/launcher/internal/metrics"
	"launcher/preforker"
	"launcher/preforker/control"
	"launcher/preforker/hint"
)

// monitor tells what the supervisor does: at the control socket, and at an address where the user wants that.
type monitor struct {
	supervisor *preforker.Supervisor
	socket     ownSocket // none: at the control socket alone
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
	if m.socket, err = listenOwn(options.address, given); err != nil {
		return nil, hint.Errorf(another("choose another address with --"+optMetrics, err), "tell of the workers: %w", err)
	}
	config.Log.Info("metrics are told", slog.String(keyURL, "http://"+m.socket.listener.Addr().String()+"/metrics"))
	return m, nil
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
	if m.socket.listener != nil {
		control.ServeAt(ctx, m.socket.listener, m.pages...)
	}
}

// inherit makes copies of the listening sockets.
func (m *monitor) inherit() ([]preforker.Inherited, error) {
	copies, err := m.socket.inherit()
	more, failed := m.dashboard.socket.inherit()
	return append(copies, more...), errors.Join(err, failed)
}

func (m *monitor) close() {
	m.socket.close()
	m.dashboard.close()
}
