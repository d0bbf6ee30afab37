//go:build linux

package cli

import (
	"fmt"
	"os"
	"strings"

	"github.com/urfave/cli/v2"
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

// Bounds of a token, in bytes: a short one can be guessed.
const (
	minToken = 16
	maxToken = 1024
)

// readToken reads the token of the dashboard, "" where no file is named.
func readToken(ctx *cli.Context, warn func(string)) (string, error) {
	path := ctx.String(optDashboardToken)
	if path == "" {
		return "", nil
	}
	const example = "openssl rand -hex 20 >FILE; chmod 400 FILE"
	text, err := os.ReadFile(path)
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
