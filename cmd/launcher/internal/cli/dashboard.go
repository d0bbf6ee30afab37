//go:build linux

package cli

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/urfave/cli/v2"
	"golang.org/x/net/netutil"

	"launcher/cmd/launcher/internal/dashboard"
	"launcher/preforker"
	"launcher/preforker/control"
	"launcher/preforker/hint"
)

const (
	// dashboardConnections are served at once. Their descriptors are among those that are left free by all others.
	dashboardConnections = 24
	// dashboardTimeout is what a request, and its answer, may take.
	dashboardTimeout = 10 * time.Second
	// dashboardIdle is how long a connection is kept without a request.
	dashboardIdle = 30 * time.Second
	// maxDashboardBody is more than the forms of the page have.
	maxDashboardBody = 4 << 10
)

// askedByDashboard is who asks for what the page has buttons for.
const askedByDashboard = "dashboard"

// dashboardServer is the page for people, at the control socket and where --dashboard says.
type dashboardServer struct {
	*dashboard.Dashboard
	supervisor *preforker.Supervisor // once there is one
	socket     ownSocket             // none: at the control socket alone
	listener   net.Listener          // of the socket
	server     *http.Server
}

// listenDashboard listens, so that a port in use is an error before anything is started, and adds the page to the control socket.
func listenDashboard(ctx *cli.Context, config *preforker.Config, given *givenSockets) (*dashboardServer, error) {
	options, err := readDashboard(ctx, func(text string) { config.Log.Warn(text) })
	if err != nil {
		return nil, err
	}
	d := &dashboardServer{}
	d.Dashboard = dashboard.New(dashboard.Launcher{
		Status:     func(ctx context.Context) (control.Status, error) { return d.supervisor.Status(ctx) },
		EventsFrom: func(place uint64) ([]json.RawMessage, uint64) { return d.supervisor.EventsFrom(place) },
		Restart:    func(context.Context) error { d.supervisor.Restart(askedByDashboard); return nil },
		Kill: func(ctx context.Context, slot, pid int) error {
			return d.supervisor.KillWorker(ctx, askedByDashboard, slot, pid)
		},
	})
	config.Pages = append(config.Pages, d.Verbs(dashboard.Access{Token: options.token, Open: true})...)
	if options.address == "" {
		return d, nil
	}
	if d.socket, err = listenOwn(options.address, given); err != nil {
		return nil, hint.Errorf(another("choose another address with --"+optDashboard, err), "serve the dashboard: %w", err)
	}
	at := d.socket.listener.Addr()
	if err := options.check(at); err != nil {
		d.socket.close() // nobody has been served
		return nil, err
	}
	host, _, _ := net.SplitHostPort(options.address) // it has been read
	names := []string{host}
	if name, err := os.Hostname(); err == nil {
		names = append(names, name)
	}
	handler := d.Handler(dashboard.Access{Token: options.token, Open: options.open(at), Names: names})
	d.listener = netutil.LimitListener(d.socket.listener, dashboardConnections)
	d.server = &http.Server{Handler: http.MaxBytesHandler(handler, maxDashboardBody), ReadTimeout: dashboardTimeout, WriteTimeout: dashboardTimeout,
		IdleTimeout: dashboardIdle, MaxHeaderBytes: 16 << 10, ErrorLog: log.New(io.Discard, "", 0)} // of what clients do
	config.Log.Info("the dashboard is served", keyURL, "http://"+at.String()+"/")
	return d, nil
}

// serve serves the page until close is called.
func (d *dashboardServer) serve(logger *slog.Logger) {
	if d.listener == nil {
		return
	}
	d.Keep()
	if err := d.server.Serve(d.listener); !errors.Is(err, http.ErrServerClosed) {
		logger.Error("the dashboard ended", keyError, err)
	}
}

// close ends it, and whatever is being written. It may be called of none, and twice.
func (d *dashboardServer) close() {
	if d == nil {
		return
	}
	d.Close()
	if d.listener != nil {
		_ = d.server.Close()
		_ = d.listener.Close() // serve may never have been called
	}
}
