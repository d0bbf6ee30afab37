//go:build linux

package cli

import (
	"context"
	"encoding/json"
	"net"
	"os"

	"github.com/urfave/cli/v2"

	"launcher/cmd/launcher/internal/dashboard"
	"launcher/preforker"
	"launcher/preforker/control"
	"launcher/preforker/hint"
)

// askedByDashboard is who asks for what the page has buttons for.
const askedByDashboard = "dashboard"

// dashboardServer is the page for people, at the control socket and where --dashboard says.
type dashboardServer struct {
	*dashboard.Dashboard
	supervisor *preforker.Supervisor // once there is one
	socket     ownSocket             // none: at the control socket alone
	pages      []control.Verb        // of the socket
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
	d.pages = d.Verbs(dashboard.Access{Token: options.token, Open: options.open(at), Names: names})
	config.Log.Info("the dashboard is served", keyURL, "http://"+at.String()+"/")
	return d, nil
}

// serve serves the page at its address until the context ends.
func (d *dashboardServer) serve(ctx context.Context) {
	if d.socket.listener != nil {
		d.Keep()
		control.ServeAt(ctx, d.socket.listener, d.pages...)
	}
}

// close ends the history and the socket. It may be called of none.
func (d *dashboardServer) close() {
	if d != nil {
		d.Close()
		d.socket.close()
	}
}
