//go:build linux

package cli

import (
	"fmt"
	"net"
	"os"
	"strings"

	"github.com/urfave/cli/v2"

	"launcher/preforker/smallfile"
)

// Names of the options of the dashboard.
const (
	optDashboard       = "dashboard"
	optDashboardToken  = "dashboard-token"
	optDashboardPublic = "dashboard-public"
)

func dashboardFlags() []cli.Flag {
	return []cli.Flag{dashboardFlag(), dashboardTokenFlag(),
		&cli.BoolFlag{Name: optDashboardPublic, EnvVars: env(optDashboardPublic),
			Usage: "with --dashboard at an address that is not loopback: whoever can connect may read the page"}}
}

func dashboardFlag() cli.Flag {
	return &cli.StringFlag{Name: optDashboard, EnvVars: env(optDashboard),
		Usage: "serve a page for people about the launcher at `HOST:PORT`, and keep its last hour; the same is / of the control socket", DefaultText: "off"}
}

func dashboardTokenFlag() cli.Flag {
	return &cli.StringFlag{Name: optDashboardToken, EnvVars: env(optDashboardToken),
		Usage: "`FILE` with a token, for whoever may restart and kill on that page; at an address that is not loopback also to read it", DefaultText: "nobody may"}
}

// dashboardOptions are where that page is, and who may do what there.
type dashboardOptions struct {
	address string // "": at the control socket alone
	token   string // "": nobody may restart and kill
	public  bool   // whoever can connect may read
}

func readDashboard(ctx *cli.Context, warn func(string)) (options dashboardOptions, err error) {
	options.public = ctx.Bool(optDashboardPublic)
	err = readers{
		func() (err error) { options.address, err = dashboardAddress(ctx); return err },
		func() (err error) { options.token, err = readToken(ctx, warn); return err },
	}.all()
	return options, err
}

func dashboardAddress(ctx *cli.Context) (string, error) {
	return monitorAddress{optDashboard, "", "127.0.0.1:9394"}.read(ctx.String(optDashboard))
}

// open says whether who can connect to where the page is served may read it.
func (o dashboardOptions) open(at net.Addr) bool { return o.public || isLoopback(at) }

// check refuses to serve the page where everybody could read it, and nobody has said so.
func (o dashboardOptions) check(at net.Addr) error {
	if o.token != "" || o.open(at) {
		return nil
	}
	return usageErrorf("name a file with a token (--dashboard-token FILE), or listen at 127.0.0.1; where whoever can connect may read it: --dashboard-public",
		"read --%s: %s is not loopback, and everybody who can connect could read the page", optDashboard, at)
}

func isLoopback(address net.Addr) bool {
	tcp, is := address.(*net.TCPAddr)
	return is && tcp.IP.IsLoopback()
}

// Bounds of a token, in bytes: a short one can be guessed.
const (
	minToken = 16
	maxToken = 1024
)

// readToken reads the token of the dashboard, "" where no file is named. It may be in a pipe, as of a shell's <(), since it is read once.
func readToken(ctx *cli.Context, warn func(string)) (string, error) {
	path := ctx.String(optDashboardToken)
	if path == "" {
		return "", nil
	}
	const example = "openssl rand -hex 20 >FILE; chmod 400 FILE"
	text, err := smallfile.ReadPiped(path, int64(maxToken+len("\r\n")))
	if err != nil {
		return "", usageErrorf(example, "read --%s: %w", optDashboardToken, err)
	}
	token := strings.TrimSpace(string(text))
	switch {
	case len(token) < minToken || len(token) > maxToken:
		err = fmt.Errorf("%s has a token of %d bytes; from %d to %d are needed", path, len(token), minToken, maxToken)
	case strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }):
		err = fmt.Errorf("%s has more than letters, digits and signs of ASCII", path)
	}
	if err != nil {
		return "", usageErrorf(example, "read --%s: %w", optDashboardToken, err)
	}
	if info, err := os.Stat(path); err == nil && info.Mode().Perm()&0o004 != 0 {
		warn("everybody on this machine may read the token of the dashboard (chmod o-r): " + path)
	}
	return token, nil
}
